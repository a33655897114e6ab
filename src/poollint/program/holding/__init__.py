"""Sessions that are held too long: while the function waits for something outside, or while a client reads a stream.

`slow` knows the calls that wait, `parameters` the sessions that a function is given, `ambient` those that everybody
shares (`db.session`), `streams` the responses whose body is made while it is read. `analysis` makes `HeldSite`s.
"""
