"""What others take of the machine is told apart from what we take."""

import os
import subprocess
import sys

from core.drill.machine import Moment

WORK = "import time\ninput()\nwhile time.process_time() < 0.5: pass\nprint(flush=True)\ninput()"


def test_what_another_process_works_counts_as_others_unless_it_is_ours() -> None:
    with subprocess.Popen([sys.executable, "-c", WORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        strange, own = Moment.now([]), Moment.now([child.pid])
        child.stdin.write(b"\n")
        child.stdin.flush()
        child.stdout.readline()
        taken = [Moment.now(pids).taken_by_others_s(before) for pids, before in (([], strange), ([child.pid], own))]
        child.communicate(b"\n")
    assert taken[0] - taken[1] > 0.25 / (os.cpu_count() or 1)
