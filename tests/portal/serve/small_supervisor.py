"""The real supervisor over a table of small children: `python -m tests.portal.serve.small_supervisor DATA_DIR TABLE.json`.

The table is a list of {"name", "script"}: a script is run by sh, and "server" or "niceness" may be added.
"""

import json
import os
import sys
from pathlib import Path

from portal.serve.journal import Journal
from portal.serve.processes import Process
from portal.serve.supervisor import Supervisor


def main() -> None:
    """Supervise until asked to stop."""
    data_dir, table = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
    journal = Journal(data_dir)
    supervisor = Supervisor(journal, variables=os.environ, directory=data_dir, tag=f"test-{os.getpid()}")
    supervisor.catch_signals()
    try:
        for row in table:
            command = ["sh", "-c", row["script"]]
            supervisor.start(
                Process(
                    name=row["name"], command=command, server=row.get("server", False), niceness=row.get("niceness", 0)
                )
            )
        journal.say("ready")
        supervisor.supervise()
    finally:
        supervisor.stop(seconds=1.0, server_seconds=1.0)
        journal.say("stopped")


if __name__ == "__main__":
    main()
