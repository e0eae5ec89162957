#!/bin/sh
# Prepares one Linux host to be asked by nis2watch: an account, the collector, its sudoers line, and the public key of the
# monitor behind a forced command. Run as root on the host, beside the files nis2watch-collect and sudoers-collector.
# A second run brings everything up to date; --remove takes it away again.
#
#   install-host.sh --key 'ssh-ed25519 AAAA... nis2watch' [--from ADDRESS]
#   install-host.sh --remove
set -eu
umask 022
account=nis2watch
home=/var/lib/nis2watch-collect
collector=/usr/local/libexec/nis2watch-collect
rules=/etc/sudoers.d/nis2watch
here=$(dirname "$0")

die() { echo "install-host.sh: $1" >&2; exit 1; }

key='' from='' remove=''
while [ $# -gt 0 ]; do
  case $1 in
    --key) key=${2:?--key needs the line of a public key}; shift 2 ;;
    --from) from=${2:?--from needs an address}; shift 2 ;;
    --remove) remove=1; shift ;;
    *) die "unknown option $1; the head of this file says how it is used" ;;
  esac
done
[ "$(id -u)" = 0 ] || die "run it as root"

if [ "$remove" ]; then
  rm -f "$rules" "$collector"
  rm -rf "$home"
  if id "$account" >/dev/null 2>&1; then userdel "$account" 2>/dev/null || deluser "$account"; fi
  exit 0
fi

case $key in
  "ssh-ed25519 "* | "ecdsa-sha2-"* | "ssh-rsa "* | "sk-"*) ;;
  *) die "--key is the one line of a public key file, such as 'ssh-ed25519 AAAA... nis2watch'" ;;
esac
case $key in *'
'*) die "--key is one line" ;; esac
case $from in *[!0-9A-Za-z.:,*/_-]*) die "--from is an address, or several with commas between them" ;; esac
for tool in sudo visudo; do
  command -v "$tool" >/dev/null 2>&1 || die "there is no $tool here: install sudo, or log in by another way (see README.md)"
done

if ! id "$account" >/dev/null 2>&1; then
  if command -v useradd >/dev/null 2>&1; then useradd --system --home-dir "$home" --shell /bin/sh "$account"
  else adduser -S -D -h "$home" -s /bin/sh "$account"
  fi
fi
# no password fits "*", and unlike "!" it does not lock out the key where sshd runs without PAM
echo "$account:*" | chpasswd -e

# root owns the key file, so that the account cannot take its forced command off
mkdir -p "$home/.ssh" "$(dirname "$collector")"
chown -R root "$home"
chmod 755 "$home" "$home/.ssh"
options="restrict,command=\"$collector\""
[ -z "$from" ] || options="$options,from=\"$from\""
printf '%s %s\n' "$options" "$key" >"$home/.ssh/authorized_keys.new"
chmod 644 "$home/.ssh/authorized_keys.new"
mv "$home/.ssh/authorized_keys.new" "$home/.ssh/authorized_keys"

cp "$here/nis2watch-collect" "$collector.new"
chmod 755 "$collector.new"
mv "$collector.new" "$collector"

cp "$here/sudoers-collector" "$rules.new"
chmod 440 "$rules.new"
visudo -c -q -f "$rules.new" || { rm -f "$rules.new"; die "visudo refuses sudoers-collector"; }
mv "$rules.new" "$rules"
echo "ready: account $account answers the questions of nis2watch and nothing else"
