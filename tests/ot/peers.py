"""Real servers of industrial protocols, one a sub-command: peers.py NAME PORT. Says `ready` on stderr when it answers."""

import asyncio
import socket
import sys
import threading
import time

HOST = "127.0.0.1"


def say_ready_when_listening(port):
    """Waits in a thread of its own until the port accepts connections."""

    def wait():
        while True:
            try:
                socket.create_connection((HOST, port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                print("ready", file=sys.stderr, flush=True)
                return

    threading.Thread(target=wait, daemon=True).start()


def modbus(port):
    from pymodbus import ModbusDeviceIdentification
    from pymodbus.server import StartAsyncTcpServer
    from pymodbus.simulator import DataType, SimData, SimDevice

    names = {
        "VendorName": "Example Controls",
        "ProductCode": "XC-200",
        "MajorMinorRevision": "V3.4.1",
        "VendorUrl": "https://controls.example",
        "ProductName": "Cell controller " + "x" * 200,
        "ModelName": "XC-200/24",
        "UserApplicationName": "Press 7",
    }
    identity = ModbusDeviceIdentification(info_name=names)
    registers = [SimData(0, count=10, values=7, datatype=DataType.REGISTERS)]
    device = SimDevice(255, simdata=registers, identity=identity)
    say_ready_when_listening(port)
    asyncio.run(StartAsyncTcpServer(context=device, identity=identity, address=(HOST, port)))


def opcua(port, folder, policies):
    from asyncua import Server, ua

    async def main():
        server = Server()
        await server.init()
        server.set_endpoint(f"opc.tcp://{HOST}:{port}/press")
        server.set_server_name("Press 7")
        server.set_security_policy([getattr(ua.SecurityPolicyType, policy) for policy in policies])
        if folder:
            await server.load_certificate(f"{folder}/server.der")
            await server.load_private_key(f"{folder}/server.key.pem")
            server.set_identity_tokens([ua.UserNameIdentityToken])
        say_ready_when_listening(port)
        async with server:
            await asyncio.Event().wait()

    asyncio.run(main())


def opcua_secured(port, folder):
    opcua(port, folder, ["Basic256Sha256_SignAndEncrypt", "Aes256Sha256RsaPss_SignAndEncrypt"])


def opcua_open(port):
    opcua(port, None, ["NoSecurity"])


def s7(port):
    import snap7.server
    from snap7 import SrvArea

    server = snap7.server.Server(log=False)
    server.register_area(SrvArea.DB, 1, bytearray(16))
    server.start_to(HOST, port)
    say_ready_when_listening(port)
    threading.Event().wait()


def enip(port):
    from cpppo.server.enip.main import main

    say_ready_when_listening(port)
    main(argv=["--address", f"{HOST}:{port}", "--no-udp", "SPEED=INT"])


def bacnet(port):
    from bacpypes3.app import Application
    from bacpypes3.local.device import DeviceObject
    from bacpypes3.local.networkport import NetworkPortObject

    async def main():
        device = DeviceObject(
            objectIdentifier=("device", 4711),
            objectName="ahu-1",
            vendorIdentifier=999,
            vendorName="Example Climate",
            modelName="AHU-9",
            firmwareRevision="1.0.7",
            applicationSoftwareVersion="2024-03",
            serialNumber="SN-0815",
        )
        # the whole of 127.0.0.0/8 is loopback, so a broadcast stays there as well
        network = NetworkPortObject(f"{HOST}/8:{port}", objectIdentifier=("network-port", 1), objectName="loopback")
        application = Application.from_object_list([device, network])
        await asyncio.sleep(0.2)
        print("ready", file=sys.stderr, flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            application.close()

    asyncio.run(main())


if __name__ == "__main__":
    peers = {
        "modbus": modbus,
        "opcua-secured": opcua_secured,
        "opcua-open": opcua_open,
        "s7": s7,
        "enip": enip,
        "bacnet": bacnet,
    }
    peers[sys.argv[1]](int(sys.argv[2]), *sys.argv[3:])
