"""Delete the data of a demo, after asking (`make reset-demo`)."""

import shutil
import sys

from portal.embedded import Refused, paths
from portal.environment import environment
from portal.serve import preflight


def reset() -> None:
    """Ask, then empty DATA_DIR. Raises Refused when it is not a demo's, or in use."""
    data_dir = environment.data_dir
    if not (data_dir / preflight.MODE_FILE).exists():
        print(f"There is no demo in {data_dir}: nothing to delete.")
        return
    preflight.claim(data_dir, "demo")
    with preflight.lock(data_dir):
        print(f"This deletes the demo hospital in {data_dir}: its database, its images, its log.")
        if input("Type yes to go on: ").strip().lower() != "yes":
            print("Nothing was deleted.")
            return
        home = paths.postgres_home(data_dir)
        for entry in data_dir.iterdir():
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        if home != data_dir:
            shutil.rmtree(home)
    print("The demo is deleted; `make run` makes a new one.")


if __name__ == "__main__":
    try:
        reset()
    except EOFError:
        sys.exit("\nNothing was deleted.")
    except Refused as refusal:
        sys.exit(str(refusal))
