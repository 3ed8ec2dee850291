"""Runs the demonstration EHR: `python -m launch.sandbox --client-file FILE`; --help lists the rest."""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from launch.sandbox import create_sandbox
from launch.sandbox.charts import CHARTS, BadChart, is_empty, load_charts, seed
from launch.sandbox.fhir_process import FHIRProcess, FHIRServerFailed
from launch.sandbox.serving import PortTaken, check_port, make_sandbox_server
from launch.sandbox.settings import InvalidClientFile, SandboxSettings, read_clients


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until SIGTERM or SIGINT; 1 when it cannot start."""
    options = _read_options(arguments)
    signal.signal(signal.SIGTERM, _leave)
    try:
        _serve(options)
    except (BadChart, FHIRServerFailed, InvalidClientFile, PortTaken) as error:
        _say(f"cannot start: {error}")
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m launch.sandbox", description="Runs the demonstration EHR.")
    parser.add_argument("--port", type=int, default=8090, help="where browsers reach it (8090)")
    parser.add_argument("--fhir-port", type=int, default=8095, help="the FHIR server behind it (8095)")
    parser.add_argument("--app-url", default="http://127.0.0.1:8080", help="where the app runs")
    parser.add_argument("--state", type=Path, default=Path("var/demo-ehr"), help="folder for its data")
    parser.add_argument("--client-file", type=Path, required=True, help="registered apps, TOML")
    parser.add_argument("--data", type=Path, action="append", default=[], help="a further folder of FHIR resources")
    return parser.parse_args(arguments)


def _serve(options: argparse.Namespace) -> None:
    clients = read_clients(options.client_file)
    check_port(options.port, "--port (CHARTSIDE_DEMO_EHR_PORT)")
    check_port(options.fhir_port, "--fhir-port")
    settings = SandboxSettings(
        public_url=f"http://127.0.0.1:{options.port}",
        fhir_url=f"http://127.0.0.1:{options.fhir_port}/fhir",
        app_launch_url=f"{options.app_url.rstrip('/')}/launch",
        clients=clients,
        cds_url=f"{options.app_url.rstrip('/')}/cds-services",
    )
    process = FHIRProcess(options.state.resolve(), options.fhir_port)
    try:
        process.wait_until_ready()
        _seed_once(process.fhir_url, [CHARTS, *options.data], options.state / "seeded.json")
        with make_sandbox_server(create_sandbox(settings), options.port) as server:
            _say(f"demonstration EHR ready: {settings.public_url}/")
            server.serve_forever()
    finally:
        process.stop()


def _seed_once(fhir_url: str, folders: list[Path], marker: Path) -> None:
    """Loads each folder that this store has not had yet, so that what apps wrote stays."""
    done = [] if is_empty(fhir_url) or not marker.is_file() else json.loads(marker.read_text("utf-8"))
    for folder in folders:
        name = str(folder.resolve())
        if name in done:
            continue
        resources = load_charts(folder)

        def report(count: int, name: str = folder.name, total: int = len(resources)) -> None:
            if count == total or count % 500 == 0:
                _say(f"loading {name}: {count} of {total}")

        seed(fhir_url, resources, report)
        done.append(name)
        marker.write_text(json.dumps(done), "utf-8")


def _leave(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
