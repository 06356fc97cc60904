"""Serve builds of SmolLM2-135M-Instruct side by side:

    ladder.py CACHE BUILD [BUILD...] -- COMMAND [ARG...]

The first build is the model under test of COMMAND (SAFETYTEST_BASE_URL and
SAFETYTEST_MODEL), the others stand in LADDER, as example_test/ladder reads it. Builds
are made once, below CACHE/ladder, by requantise.py. The exit status is COMMAND's.
"""

import json
import os
import sys

import real_model
import requantise


class Build(real_model.SmolLM2):
    """One build of the model."""

    def __init__(self, build, path):
        self.name = "smollm2-135m-instruct-" + build
        self.path = path

    def file(self, directory):
        return self.path


def main(argv):
    if "--" not in argv or argv.index("--") < 4 or argv[-1] == "--":
        print(__doc__, file=sys.stderr)
        return 2
    at = argv.index("--")
    cache, builds, command = argv[1], argv[2:at], argv[at + 1:]
    directory = os.path.join(cache, "ladder")
    if status := requantise.main(["", real_model.SmolLM2().file(cache), directory, *builds]):
        return status
    served = {}
    servers = []  # which live as long as they are held
    for build in builds:
        model = Build(build, os.path.join(directory, build + ".gguf"))
        server = real_model.start(model, model.path)
        servers.append(server)
        url = server.listening_address + "/v1"
        real_model.ask(model, url)
        served[build] = {"BaseURL": url, "Model": model.name}
        print(f"ladder: {build} is served", file=sys.stderr)
        if build == builds[0]:
            first, first_url = model, url
    os.environ["LADDER"] = json.dumps({build: served[build] for build in builds[1:]})
    status = real_model.run(command, first, first.path, first_url)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
