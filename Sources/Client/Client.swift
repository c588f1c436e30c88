// A client of the router's front socket.
