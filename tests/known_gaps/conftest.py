"""The files below this folder are programs to be analysed, not tests to be run."""

collect_ignore_glob = ["*"]
