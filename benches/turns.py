"""Two sides of a benchmark that take turns on the same machine."""

import subprocess
import time


class Ours:
    """The benchmark of the Rust side, which runs a task when given its name."""

    def __init__(self, *command):
        command = [str(part) for part in command]
        self.child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def task(self, name):
        def run():
            self.child.stdin.write(name + "\n")
            self.child.stdin.flush()
            seconds, result = self.child.stdout.readline().split()
            return float(seconds), float(result)
        return run

    def close(self):
        self.child.stdin.close()
        self.child.wait()


def timed(work, measure=lambda result: result):
    """Times the work alone, and measures its result."""
    def run():
        begin = time.perf_counter()
        result = work()
        return time.perf_counter() - begin, measure(result)
    return run


def alternate(sides, runs):
    """Seconds of each side, in turn, and its last result."""
    seconds, results = {name: [] for name in sides}, {}
    for _ in range(runs):
        for name, run in sides.items():
            # Idle threads of the side before spin for a while.
            time.sleep(0.2)
            took, results[name] = run()
            seconds[name].append(took)
    return seconds, results
