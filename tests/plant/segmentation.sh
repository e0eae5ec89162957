#!/usr/bin/env bash
# Four zones and a firewall as network namespaces, the product in the place of the monitor, and what it must say.
#   unshare --net --mount --pid --fork --kill-child --mount-proc bash segmentation.sh BINARY FOLDER
# Addresses are those of the plant alone; nothing in it has a route out.
set -u
BIN=$1 DIR=$2
cd "$DIR" || exit 2
export PATH=$PATH:/usr/sbin:/sbin
mkdir -p /run/netns /run/sshd && mount -t tmpfs none /run/netns || exit 2

# host zone address ports; 22 is an SSH server, the others take connections and say nothing
HOSTS="
mon dmz 10.77.20.10
hist dmz 10.77.20.20 443
ws1 office 10.77.10.10 22
files office 10.77.10.20 445
plc1 cell1 10.77.31.10 502
hmi1 cell1 10.77.31.20 22
plc3 cell2 10.77.32.11 102
"
hosts() { awk 'NF { print $1 }' <<<"$HOSTS"; }
row() { awk -v n="$1" '$1 == n' <<<"$HOSTS"; }
inside() { local host=$1; shift; ip netns exec "$host" "$@"; }
die() { echo "the plant: $*" >&2; exit 2; }

network() {
  local host zone address
  ip netns add fw || die "no namespace"
  inside fw sh -c 'ip link set lo up; echo 1 >/proc/sys/net/ipv4/ip_forward'
  for zone in office:10.77.10 dmz:10.77.20 cell1:10.77.31 cell2:10.77.32; do
    ip -n fw link add "br-${zone%:*}" type bridge forward_delay 0 || die "no bridge"
    ip -n fw addr add "${zone#*:}.1/24" dev "br-${zone%:*}"
    ip -n fw link set "br-${zone%:*}" up
  done
  for host in $(hosts); do
    read -r _ zone address _ <<<"$(row "$host")"
    ip netns add "$host"
    ip -n fw link add "v-$host" type veth peer name eth0 netns "$host"
    ip -n fw link set "v-$host" master "br-$zone" up
    ip -n "$host" link set lo up
    ip -n "$host" addr add "$address/24" dev eth0
    ip -n "$host" link set eth0 up
    ip -n "$host" route add default via "${address%.*}.1"
  done
}

# policy [EXTRA RULE]: what the firewall lets through; the rest is dropped in silence
policy() {
  inside fw nft -f - <<X || die "no policy"
flush ruleset
table inet fw {
  chain forward {
    type filter hook forward priority filter; policy drop;
    meta iifname . meta oifname { br-office . br-office, br-dmz . br-dmz, br-cell1 . br-cell1, br-cell2 . br-cell2 } accept
    ct state established,related accept
    ${1:-}
    ip saddr 10.77.20.10 accept
    ${HISTORIAN:-ip saddr 10.77.10.0/24 ip daddr 10.77.20.20 tcp dport 443 accept}
    counter drop
  }
}
X
}

sshd_of() { # HOST yes|no
  local pid
  pid=$(cat "sshd-$1.pid" 2>/dev/null) && kill "$pid" && while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
  cat >"sshd-$1.conf" <<X
HostKey $DIR/host
AuthorizedKeysFile $DIR/client.pub
StrictModes no
UsePAM no
PidFile none
PasswordAuthentication no
AllowTcpForwarding $2
X
  ip netns exec "$1" /usr/sbin/sshd -D -f "$DIR/sshd-$1.conf" 2>"sshd-$1.log" &
  echo $! >"sshd-$1.pid"
  listens "$1" 22
}
listens() { for _ in $(seq 200); do inside "$1" ss -Hlnt "sport = :$2" | grep -q . && return 0; sleep 0.05; done; die "$1 does not listen at $2"; }

servers() {
  local host ports port
  for key in host client; do ssh-keygen -q -t ed25519 -N '' -f "$key" || die "no keys"; done
  for host in $(hosts); do
    read -r _ _ _ ports <<<"$(row "$host")"
    for port in $ports; do
      if [ "$port" = 22 ]; then sshd_of "$host" yes; continue; fi
      inside "$host" python3 -c '
import socket, sys
listener = socket.create_server(("", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    with connection:
        if connection.recv(1):
            open("bytes-were-sent", "w").close()' "$port" &
      listens "$host" "$port"
    done
  done
}

configuration() {
  cat >nis2watch.yaml <<X
inventory: [assets.yaml]
store: { path: nis2watch.db }
credentials:
  key: { ssh: { user: root, key: { file: client } } }
zones:
  - { id: office, role: it, networks: [10.77.10.0/24] }
  - { id: dmz, role: dmz }
  - { id: cell1, role: control }
  - { id: cell2, role: control }
conduits:
  - { from: office, to: dmz, ports: [443], reason: the page of the historian }
  - { from: dmz, to: office, ports: [22, 445], reason: the monitor asks }
  - { from: dmz, to: cell1, ports: [22, 502], reason: the monitor asks }
  - { from: dmz, to: cell2, ports: [102], reason: the monitor asks }
X
  local quick='limits: { at_once: 4, gap: 10ms, per_hour: 9999 }'
  cat >assets.yaml <<X
- { id: monitor, kind: vantage, zone: dmz }
- { id: hist, address: 10.77.20.20, zone: dmz, kind: historian, allowed_ports: [443] }
- { id: ws1, address: 10.77.10.10, zone: office, kind: linux-host, vantage: true, access: { ssh: { credential: key } } }
- { id: files, address: 10.77.10.20, zone: office, kind: linux-host, allowed_ports: [445] }
- { id: plc1, address: 10.77.31.10, zone: cell1, kind: plc, allowed_ports: [502], $quick }
- { id: hmi1, address: 10.77.31.20, zone: cell1, kind: hmi, vantage: true, access: { ssh: { credential: key } }, $quick }
- { id: plc3, address: 10.77.32.11, zone: cell2, kind: plc, allowed_ports: [102], $quick }
X
}

# look SUBJECT: one round of its segmentation checks
look() { inside mon "$BIN" check --config nis2watch.yaml --asset "$1" --format json >round.json 2>round.log; }
wrong=0
# says SUBJECT CHECK STATE [PATTERN]: the state with its cause, and what the reason must hold
says() {
  local got
  got=$(python3 - "$1" "$2" <<'X'
import json, sys
for result in json.load(open("round.json"))["results"]:
    if (result["asset"], result["check"]) == tuple(sys.argv[1:]):
        print(result["state"], result["cause"] or "-", result["reason"])
X
  )
  if [[ $got =~ ^$3\  && $got =~ ${4:-} ]]; then echo "ok   $NOW: $1 $2 $3"
  else echo "FAIL $NOW: $1 $2: wanted $3 ${4:-}, got ${got:-nothing: $(cat round.log)}"; wrong=1; fi
}
MATRIX=seg-reachability-matrix SELF=seg-vantage-selftest DIRECT=seg-it-ot-direct-path

network; policy; servers; configuration

NOW="the firewall as planned"
look vantage-ws1
says vantage-ws1 $SELF pass; says vantage-ws1 $MATRIX pass; says vantage-ws1 $DIRECT pass
look monitor
says monitor $SELF pass; says monitor $MATRIX pass
look vantage-hmi1
says vantage-hmi1 $SELF pass; says vantage-hmi1 $MATRIX pass
look zone-cell2
says zone-cell2 $MATRIX "unknown no_data" "no vantage stands in zone cell2"
[ ! -e bytes-were-sent ] || { echo "FAIL bytes were sent after a connect"; wrong=1; }

NOW="a way to the controller is open"
policy 'ip saddr 10.77.10.0/24 ip daddr 10.77.31.10 tcp dport 502 accept'
look vantage-ws1
says vantage-ws1 $MATRIX "fail -" "office to cell1: plc1 port 502, from vantage-ws1"
says vantage-ws1 $DIRECT "fail -" "plc1 port 502"

NOW="the firewall refuses in the name of the controller"
policy 'ip saddr 10.77.10.0/24 ip daddr 10.77.31.10 reject with tcp reset'
look vantage-ws1
says vantage-ws1 $MATRIX pass

NOW="a forbidden way leads to a port that nobody serves"
policy 'ip saddr 10.77.10.0/24 ip daddr 10.77.31.10 tcp dport 503 accept'
sed -i 's/allowed_ports: \[502\]/allowed_ports: [502, 503]/' assets.yaml
look vantage-ws1
says vantage-ws1 $MATRIX "warn -" "only the service is missing.*plc1 port 503"
sed -i 's/allowed_ports: \[502, 503\]/allowed_ports: [502]/' assets.yaml

NOW="a declared way is closed"
HISTORIAN=' ' policy
look vantage-ws1
says vantage-ws1 $MATRIX "warn -" "declared as a conduit and closed.*hist port 443"

NOW="the cable of the controller is out"
policy; ip -n fw link set v-plc1 down
look vantage-ws1
says vantage-ws1 $MATRIX "unknown (timeout|unreachable)" "plc1 port 502"
ip -n fw link set v-plc1 up

NOW="the cable of the vantage is out"
ip -n fw link set v-ws1 down
look vantage-ws1
says vantage-ws1 $SELF "unknown (timeout|unreachable)"; says vantage-ws1 $MATRIX "unknown (timeout|unreachable)"
ip -n fw link set v-ws1 up

NOW="the canary is down"
ip -n fw link set v-files down
look vantage-ws1
says vantage-ws1 $SELF "unknown timeout"; says vantage-ws1 $MATRIX "unknown no_data" "positive control failed"
ip -n fw link set v-files up

NOW="the vantage is blind"
inside ws1 nft -f - <<'X'
table inet own {
  chain output {
    type filter hook output priority filter; policy drop;
    ct state established accept
    oifname lo accept
  }
}
X
look vantage-ws1
says vantage-ws1 $SELF "fail -" "cut off"; says vantage-ws1 $MATRIX "unknown no_data" "positive control failed"
inside ws1 nft flush ruleset

NOW="the vantage may not forward"
sshd_of ws1 no
look vantage-ws1
says vantage-ws1 $SELF "unknown privilege" "AllowTcpForwarding"; says vantage-ws1 $MATRIX "unknown privilege"

[ $wrong = 0 ] && echo "all as expected"
exit $wrong
