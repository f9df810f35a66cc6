"""Orders to real venues: a process of its own that alone holds keys, and the desk's end of it.

Orders go over REST, on connections that are kept warm, and not over the venues' websockets, though ccxt can send them
there. Read and tried with ccxt 4.5.90: a websocket order is written by a task of its own once the socket is connected
and signed in, which may take half a minute, whether anybody still waits for the order or not; it leaves after its
deadline, and nothing calls it back (tests/live/test_traps.py shows it). A frame that cannot be written fails every
order in flight on that socket, OKX is told no deadline there, and Bybit's stamp is not the measured clock. What it
would save is a twentieth of a millisecond: side by side on loopback, Binance, p50 0.38 ms over REST and 0.33 ms over
the websocket. On a warm connection both take one round trip.
"""
