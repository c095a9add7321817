"""The bill of materials of a release, as CycloneDX: packages, model, system and what is expected of it."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from firmware_config.archives import source_date

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.detect.manifest import Manifest as Model
    from firmware_config.targets import Choice
    from firmware_config.wheels import Wheel

NAME = "bom.cdx.json"
# What the software uses of a system beyond its wheels: the interpreter, TLS and the C library.
_BASE_PACKAGES = ("python3", "libssl3", "libc6", "libstdc++6")
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/gammabox-release")


def bom_bytes(name: str, choice: Choice, wheels: Iterable[tuple[Wheel, str]], model: Model) -> bytes:
    """Return the bill of materials. The same release gives the same bytes.

    Parameters
    ----------
    name : str
        That of the release.
    choice : Choice
        What it is for.
    wheels : iterable of (Wheel, str)
        Its wheels, each with its SHA-256.
    model : edge.detect.manifest.Manifest
        That of the model bundle.

    """
    components = [_package(wheel, sha256) for wheel, sha256 in wheels]
    components.append(
        Component(
            type=ComponentType.MACHINE_LEARNING_MODEL,
            name=model.name,
            bom_ref=f"model:{model.sha256}",
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=model.sha256)],
        )
    )
    system, _, version = choice.target.system.partition("-")
    components.append(Component(type=ComponentType.OPERATING_SYSTEM, name=system, version=version, bom_ref="system"))
    for package in (*_BASE_PACKAGES, *choice.system_packages):
        purl = PackageURL("deb", system, package, qualifiers={"distro": choice.target.system})
        components.append(Component(type=ComponentType.LIBRARY, name=package, purl=purl, bom_ref=str(purl)))
    whole = Component(type=ComponentType.FIRMWARE, name="gammabox", version=name, bom_ref="release")
    content = "\n".join(sorted(str(component.bom_ref.value) for component in components))
    bom = Bom(
        components=components,
        serial_number=uuid.uuid5(_NAMESPACE, f"{name}\n{choice.name}\n{content}"),
        metadata=BomMetaData(component=whole, timestamp=datetime.fromtimestamp(source_date(), timezone.utc)),
    )
    bom.register_dependency(whole, components)
    text = json.loads(JsonV1Dot6(bom).output_as_string())
    # The library that writes it is no part of the release, and its version would change the bytes.
    text["metadata"].pop("tools", None)
    return (json.dumps(text, sort_keys=True, indent=1) + "\n").encode()


def _package(wheel: Wheel, sha256: str) -> Component:
    purl = PackageURL("pypi", None, wheel.name, str(wheel.version))
    return Component(
        type=ComponentType.LIBRARY,
        name=wheel.name,
        version=str(wheel.version),
        purl=purl,
        bom_ref=str(purl),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)],
        licenses=[] if wheel.licence is None else [DisjunctiveLicense(name=wheel.licence)],
    )
