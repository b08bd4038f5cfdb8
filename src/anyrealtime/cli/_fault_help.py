"""What the help of `anyrealtime serve` says about faults.

Written out, because help must not import the simulator; a test holds it against
`anyrealtime.simulator.faults`.
"""

from __future__ import annotations

from typing import Final

FAULTS: Final = """\b
Faults (--fault), as KIND or KIND:NAME=VALUE,NAME=VALUE:
  drop                         an event is lost
  duplicate:copies=            it comes again
  reorder:by=,within=          it is overtaken by others, for so many seconds
  corrupt:what=                it is no json, no text, or no WebSocket frame
  drift:field=,value=          a field has another value, or is missing
  fragment:size_bytes=         it comes in small frames
  close:code=,reason=          CLOSE
  cut:mid_frame=               the end without CLOSE
  reset                        TCP RST
  half-open                    silence, and nobody reads
  stall:seconds=               silence for a while
  slow:bytes_per_second=       a trickle from then on
  unknown:name=                an event of a type that does not exist
  error-storm:count=,code=,message=
                               error events in a row
  refuse:status=,body=,retry_after=,location=
                               an HTTP status in place of the upgrade
When, for all of them:
  event=    the server events that count, e.g. response.*.delta; or handshake
  heard=    the client events that count instead
  after=    so many of these pass unharmed
  p=        the probability with which each is struck
  times=    at most so often
  delay=    seconds after the opening
  visit=    only the n-th client
"""
