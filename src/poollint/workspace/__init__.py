"""Where a program begins and ends on disk: roots, the files of a root, and what is left out."""
