"""Writes the bill of materials of the image, in CycloneDX, from its unpacked files.

Usage: python -m deploy.bill_of_materials ROOT >image.cdx.json
"""

import json
import sys
from collections.abc import Iterable, Iterator
from email import message_from_string
from email.message import Message
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from configuration import ROOT

DEBIAN = Path("var/lib/dpkg/status")
PYTHON = Path("app/.venv/lib")
PAGE = ROOT / "clients" / "web" / "package-lock.json"


def bill_of_materials(root: Path) -> str:
    """The packages of Debian and Python in `root`, and those that the page is built from.

    root: the unpacked file system of the image.

    Raises:
        OSError: `root` is not the image's file system.
    """
    image = Component(name="emotion-recognition", type=ComponentType.CONTAINER)
    urls = sorted({*_debian(root), *_python(root), *_page()}, key=PackageURL.to_string)
    components = [
        Component(name=url.name, version=url.version, purl=url, bom_ref=url.to_string())
        for url in urls
    ]
    bom = Bom(components=components)
    bom.metadata.component = image
    bom.register_dependency(image, components)
    return JsonV1Dot6(bom).output_as_string(indent=1)


def _debian(root: Path) -> Iterator[PackageURL]:
    for package in (root / DEBIAN).read_text(encoding="utf-8").strip().split("\n\n"):
        fields = message_from_string(package)
        if fields["Status"].endswith(" installed"):
            architecture = {"arch": fields["Architecture"]}
            yield PackageURL("deb", "debian", *_name_and_version(fields), architecture)


def _python(root: Path) -> Iterator[PackageURL]:
    for metadata in _found((root / PYTHON).glob("python3*/site-packages/*.dist-info/METADATA")):
        fields = message_from_string(metadata.read_text(encoding="utf-8"))
        yield PackageURL("pypi", None, *_name_and_version(fields))


def _page() -> Iterator[PackageURL]:
    packages = json.loads(PAGE.read_text(encoding="utf-8"))["packages"]
    for path, package in packages.items():
        folder, _, full_name = path.rpartition("node_modules/")
        if full_name and "version" in package and not package.get("dev") and not folder:
            scope, _, name = full_name.rpartition("/")
            yield PackageURL("npm", scope or None, name, package["version"])


def _name_and_version(fields: Message) -> tuple[str, str]:
    return fields.get("Package") or fields["Name"], fields["Version"]


def _found(paths: Iterable[Path]) -> list[Path]:
    found = list(paths)
    if not found:
        raise FileNotFoundError(f"no Python packages in {PYTHON}: not the files of the image")
    return found


if __name__ == "__main__":
    sys.stdout.write(bill_of_materials(Path(sys.argv[1])) + "\n")
