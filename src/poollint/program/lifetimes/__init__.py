"""Lifetimes: which states a session or connection can be in at each place of a function, and how it leaves it.

`sequence` orders what a scope does, `walk` runs a transfer function over it with exception paths, `tracker` is that
transfer function for one handle, `passing` says what a callee does with a handle that it is passed, and
`making` finds the calls that make handles. The result is `sites.HandleSite`. `disposing` follows engines in the
same way, and serves their rules.
"""
