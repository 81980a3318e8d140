"""A router with UPnP and a fault: what SSDP, the description and the actions of an IGD are, and no more.
Usage: fake_igd.py IP KEY=VALUE... Prints a JSON line for each action that it is asked for.

    external=IP        what it says its address outside is
    leases=no          refuses mappings that end (error 725)
    taken=PORT         refuses this port (error 718)
    mute=yes           takes connections, and never answers
    text=TEXT          answers everything with this
"""

import json
import re
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GROUP, PORT = "239.255.255.250", 1900
SERVICE = "urn:schemas-upnp-org:service:WANIPConnection:1"
DEVICE = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
CONTROL = "/control"

DESCRIPTION = f"""<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><device><deviceType>{DEVICE}</deviceType><deviceList><device>
<deviceType>urn:schemas-upnp-org:device:WANDevice:1</deviceType><deviceList><device>
<deviceType>urn:schemas-upnp-org:device:WANConnectionDevice:1</deviceType><serviceList><service>
<serviceType>{SERVICE}</serviceType><controlURL>{CONTROL}</controlURL><eventSubURL>/event</eventSubURL>
<SCPDURL>/scpd</SCPDURL></service></serviceList></device></deviceList></device></deviceList></device></root>"""
ENVELOPE = (
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}'
    "</s:Body></s:Envelope>"
)
FAULT = (
    "<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>"
    '<UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>{}</errorCode></UPnPError></detail></s:Fault>'
)


def say(**message: object) -> None:
    print(json.dumps(message), flush=True)


class Handler(BaseHTTPRequestHandler):
    faults: dict[str, str]

    def log_message(self, format: str, *words: object) -> None:
        """Nothing: actions are told as JSON."""

    def reply(self, text: str, status: int = 200) -> None:
        if self.faults.get("mute"):
            threading.Event().wait()
        body = self.faults.get("text", text).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        say(event="description")
        self.reply(DESCRIPTION)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        action = self.headers["SOAPAction"].strip('"').partition("#")[2]
        said = dict(re.findall(r"<(New\w+)>([^<]*)<", body))
        say(event=action, **said)
        error = self.error(action, said)
        if error:
            self.reply(ENVELOPE.format(FAULT.format(error)), 500)
            return
        results = {
            "GetStatusInfo": {"NewConnectionStatus": "Connected", "NewUptime": "1"},
            "GetExternalIPAddress": {"NewExternalIPAddress": self.faults.get("external", "")},
        }.get(action, {})
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in results.items())
        self.reply(
            ENVELOPE.format(
                f'<u:{action}Response xmlns:u="{SERVICE}">{inner}</u:{action}Response>'
            )
        )

    def error(self, action: str, said: dict[str, str]) -> int:
        if action == "AddPortMapping":
            if said["NewExternalPort"] == self.faults.get("taken"):
                return 718
            if self.faults.get("leases") == "no" and said["NewLeaseDuration"] != "0":
                return 725
        return 0


def main() -> None:
    ip = sys.argv[1]
    Handler.faults = dict(word.split("=", 1) for word in sys.argv[2:])
    server = ThreadingHTTPServer((ip, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ssdp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ssdp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    ssdp.bind((GROUP, PORT))
    membership = socket.inet_aton(GROUP) + socket.inet_aton(ip)
    ssdp.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    say(event="ready")
    while True:
        request, source = ssdp.recvfrom(2048)
        if request.startswith(b"M-SEARCH") and DEVICE.encode() in request:
            say(event="search")
            location = f"http://{ip}:{server.server_port}/description"
            answer = f"HTTP/1.1 200 OK\r\nST: {DEVICE}\r\nUSN: uuid:1::{DEVICE}\r\nLOCATION: {location}\r\n\r\n"
            ssdp.sendto(answer.encode(), source)


main()
