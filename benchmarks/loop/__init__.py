"""The parse-hash-write loop: ours and Node's, and the contest between them."""
