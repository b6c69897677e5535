"""From a target to lines of bytes: who may be dialled, DNS, TCP, TLS, limits.

dial          the way there, in the order below  session       what a dialogue sees of a connection
host          one normal form of a host          stream, flow  bytes of one connection
resolver      names to addresses                 allowance     how many of them may come
hosts_file, name_servers, dns_answers: for it    channel       TLS without I/O
egress        what may be dialled, by policy     tls, trust    what is asked of a server
addresses     which addresses are public         certificate   what it says of itself
connect       Happy Eyeballs                     resumption    TLS sessions of servers seen lately
handshakes    in threads: handshake_step, handshake_places, patience are parts of it
server_hello, tls_records                        what is read of TLS beside OpenSSL
"""
