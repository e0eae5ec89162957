#!/usr/bin/env bash
# Our verdicts beside those of other tools on the same servers: ssh-audit and nmap on SSH, sslyze and nmap on TLS, lynis on this host.
# Starts its own servers on free loopback ports, installs the tools by name, and prints the tables of docs/comparison.md. Needs root,
# as lynis does. Not part of tests/run.sh: it takes minutes, and other tools change their minds without asking us.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${NIS2WATCH:-$PWD/target/debug/nis2watch}
[ -x "$program" ] || { echo "build first: cargo build --locked" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "run as root: lynis and sshd need it" >&2; exit 2; }
for package in lynis nmap openssl openssh-server python3-venv; do
  dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' \
    || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
done
tools=$PWD/target/tools/comparison
if [ ! -x "$tools/bin/sslyze" ]; then
  /usr/bin/python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check ssh-audit==3.9.0 sslyze==6.3.1
fi
work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT
free_port() { /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

mkdir -p /run/sshd
ssh-keygen -q -t ed25519 -N '' -f "$work/ed25519"
ssh-keygen -q -t rsa -b 2048 -N '' -f "$work/rsa"
ssh_server() { # name, further lines
  local name=$1 port
  port=$(free_port)
  { printf 'Port %s\nListenAddress 127.0.0.1\nPidFile none\nUsePAM no\nLogLevel QUIET\n' "$port"; printf '%s\n' "${@:2}"; } >"$work/$name.conf"
  /usr/sbin/sshd -D -f "$work/$name.conf" 2>"$work/$name.log" &
  pids+=($!)
  echo "$name $port ssh" >>"$work/servers"
}
ssh_server ssh-weak "HostKey $work/rsa" "HostKeyAlgorithms ssh-rsa,rsa-sha2-256" \
  "KexAlgorithms diffie-hellman-group1-sha1,diffie-hellman-group14-sha1,curve25519-sha256" \
  "Ciphers 3des-cbc,aes128-cbc,aes128-ctr" "MACs hmac-md5,hmac-sha1,hmac-sha2-256"
ssh_server ssh-debian "HostKey $work/ed25519" "HostKey $work/rsa"
ssh_server ssh-hardened "HostKey $work/ed25519" "KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256" \
  "Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes256-ctr" "MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com"

openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
  -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
tls_server() { # name, options of s_server
  local name=$1 port
  port=$(free_port)
  openssl s_server -quiet -accept "127.0.0.1:$port" -cert "$work/cert.pem" -key "$work/key.pem" \
    -cipher ALL:@SECLEVEL=0 "${@:2}" >/dev/null 2>&1 </dev/null &
  pids+=($!)
  echo "$name $port tls" >>"$work/servers"
}
tls_server tls-1.0 -tls1 -www
tls_server tls-1.1 -tls1_1 -www
tls_server tls-1.2 -tls1_2 -www
tls_server tls-1.3 -tls1_3 -www
tls_server tls-all -www
sleep 2

# LYNIS_REPORT takes the report of an earlier run, which is the slow part
if [ -n "${LYNIS_REPORT:-}" ]; then cp "$LYNIS_REPORT" "$work/lynis.dat"; else
  lynis audit system --quick --no-colors --report-file "$work/lynis.dat" --log-file "$work/lynis.log" >/dev/null 2>&1 || true
fi
NIS2WATCH=$program TOOLS=$tools /usr/bin/python3 tests/comparison.py "$work"
