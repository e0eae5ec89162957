#!/usr/bin/env python3
"""An SNMPv2c agent that costs next to nothing, for benches/whole.py: ten prepared values for whatever is asked.

  benches/agent.py PORT

net-snmp's agent takes longer to answer than either poller to ask; behind it, both would be measured by its speed.
"""
import socket
import sys

OIDS = [f"1.3.6.1.2.1.1.{n}.0" for n in range(1, 8)] + [f"1.3.6.1.2.1.11.{n}.0" for n in (1, 3, 4)]
NO_ERROR = b"\x02\x01\x00\x02\x01\x00"


def tlv(tag, body):
    """One value in BER (X.690); lengths up to 65,535."""
    size = len(body)
    return bytes([tag]) + (bytes([size]) if size < 128 else bytes([0x82, size >> 8, size & 255])) + body


def oid(text):
    first, second, *rest = map(int, text.split("."))
    out = [first * 40 + second]
    for part in rest:
        chunk = [part & 127]
        while part := part >> 7:
            chunk.insert(0, part & 127 | 128)
        out += chunk
    return tlv(6, bytes(out))


VALUES = [tlv(4, b"Switch OS version 4.2.1"), oid("1.3.6.1.4.1.9.1.1"), tlv(0x43, b"\x01\x02\x03"), tlv(4, b"ops"), tlv(4, b"switch"),
          tlv(4, b"hall"), tlv(2, b"\x48"), tlv(0x41, b"\x12"), tlv(0x41, b"\x00"), tlv(0x41, b"\x00")]
BINDINGS = tlv(0x30, b"".join(tlv(0x30, oid(name) + value) for name, value in zip(OIDS, VALUES)))


def body_at(data, at):
    """Where the content of the value at `at` begins."""
    return at + 2 if data[at + 1] < 128 else at + 2 + (data[at + 1] & 127)


def answer(data):
    version = body_at(data, 0)
    community = version + 3
    pdu = community + 2 + data[community + 1]
    request = body_at(data, pdu)
    request_id = data[request:request + 2 + data[request + 1]]
    return tlv(0x30, data[version:pdu] + tlv(0xA2, request_id + NO_ERROR + BINDINGS))


def main():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        server.bind(("127.0.0.1", int(sys.argv[1])))
        while True:
            data, who = server.recvfrom(2048)
            try:
                server.sendto(answer(data), who)
            except IndexError:
                continue


if __name__ == "__main__":
    main()
