"""The control groups (version 1, 2 or both) that this process is in."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class ControlGroups:
    """Where to look for them."""

    mount: Path = Path("/sys/fs/cgroup")
    membership: Path = Path("/proc/self/cgroup")  # names the groups of this process

    def folders(self, controller: str) -> Iterator[Path]:
        """The folder of each group that bounds this process, from its own to the root.

        controller: a name of version 1, such as `cpu`; in version 2 a group has all of them.
        """
        try:
            lines = self.membership.read_text(encoding="ascii").splitlines()
        except OSError:
            return
        for line in lines:
            _, controllers, group = line.split(":", 2)
            if controllers == "" or controller in controllers.split(","):
                # A container may see the host's path here, but its own group mounted as the root.
                for folder in (group, *map(str, PurePosixPath(group).parents)):
                    yield self.mount / controllers / folder.lstrip("/")
