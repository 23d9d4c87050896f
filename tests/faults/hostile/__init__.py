"""Video files made to break a decoder, or to lead it astray: a corpus that grows from a seed.

Everything is derived from small clips that are encoded on the spot; nothing is stored or fetched.
"""
