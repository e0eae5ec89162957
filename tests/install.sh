#!/usr/bin/env bash
# Installs what the tests need, by package name, and starts nothing. Run by tests/run.sh; a second run does nothing.
set -euo pipefail
packages=(openssh-server openssh-client dropbear-bin snmpd snmp openssl prometheus prometheus-alertmanager busybox-static dash sudo opendoas systemd curl procps iproute2 nftables mosquitto python3 python3-prometheus-client python3-yaml python3-venv shellcheck yamllint ca-certificates chromium nodejs)
# npm comes with some builds of node, and is a package of its own elsewhere
command -v npm >/dev/null || packages+=(npm)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  run=(); [ "$(id -u)" = 0 ] || run=(sudo)
  # a package must not start its service: the tests start their own servers on free ports
  guard=
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' | "${run[@]}" tee /usr/sbin/policy-rc.d >/dev/null
    "${run[@]}" chmod 755 /usr/sbin/policy-rc.d
    guard=1
  fi
  echo "installing: ${missing[*]}"
  "${run[@]}" apt-get update -qq
  "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=600 "${missing[@]}" >/tmp/nis2watch-install.log 2>&1 || { tail -20 /tmp/nis2watch-install.log; exit 1; }
  [ -z "$guard" ] || "${run[@]}" rm -f /usr/sbin/policy-rc.d
fi
# industrial servers to talk with: Modbus, OPC UA, S7, BACnet, EtherNet/IP. Debian's own interpreter, in a folder of their own
venv="$(dirname "$0")/../target/ot-venv"
servers=(pymodbus==3.16.1 asyncua==2.1.0 python-snap7==3.3.0 bacpypes3==0.0.110 cpppo==5.2.5)
if [ "$(cat "$venv/servers" 2>/dev/null)" != "${servers[*]}" ]; then
  echo "installing: ${servers[*]}"
  /usr/bin/python3 -m venv --clear "$venv"
  "$venv/bin/python" -m pip install -q "${servers[@]}"
  echo "${servers[*]}" >"$venv/servers"
fi
