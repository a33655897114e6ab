"""Uses of sessions, connections and engines that are wrong by themselves, whoever made the object and closes it.

`search` finds the files and calls at stake and asks one small finder for each kind; `typed` says what an expression
is. The result is `sites.Misuse`.
"""
