"""The proof that the compiled executor answers what the reference executor answers, byte for byte."""
