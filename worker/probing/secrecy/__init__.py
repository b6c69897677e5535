"""Tells whether what a server said holds too much of a secret, in any of the ways to write one.

A server that was given a password may echo it: as it is, in base64, percent-encoded, backwards,
letter by letter. A list of all spellings would be long and miss their combinations. So the text is
decoded in every way at once, and what comes out is searched. No pattern is built from a secret,
and every step takes linear time.

**From a session to what is withheld.**

    withholding   which entries of a session hold a secret, one by one and all together
      haystack      a text in every reading, made once for all secrets:
        decoding      what is encoded in it, two deep (escapes, code_numbers)
        word_orders   its words in other orders: a secret that is told piece by piece
        substitutions letters put in each other's place
      needles       the secrets, cut into pieces (spellings), looked for in a haystack
        whole_spellings  what can be found whole only: base58, digests
        public_words  what may be shown though it is a part of a secret
        batch_secrets  the secrets of the other accounts of a batch
      scattered     pieces in any order, counted
    echoes        which words of a reply the classifier must not take for the server's own
    letters, octets  what counts of a text: letters and digits, in one case

**The rule.** It is a leak where the text, in one of its readings, holds the share of a secret that
the table names. Case, blanks, punctuation and marks do not count: letters and digits do.

    letters and digits   the share: so many of them in a row
    fewer than 4         the share of all its characters, punctuation too; with fewer than 4 in
                         all, every text is taken to hold it (`unsearchable`), as where the
                         secrets are too many or too long to look for
    4, 5                 all of them
    6, 7                 all but one
    8 to 11              two thirds
    12 to 31             half, and 8 at the least
    32 and more          31; of a token of 512 and more a sixteenth, 255 at the most
    in an old code page  two thirds

So much is always found; of long secrets 16 in a row may be. A share does not count where three
quarters of it, from one end, stand in a public word: those that every server uses ("password"), and
those that the item shows anyway (host, user name). The whole secret always counts. Of secrets of 8
and more the share also counts where it stands in pieces, in one of the orders of `word_orders`. A
whole session is also searched by `scattered`, for pieces in any order.

**Encodings.** What anybody can undo who sees it: published, with no key and nothing to guess.

- Those of `decoding`, two deep; either direction; UTF-8, UTF-16, UTF-7, the code pages of
  `spellings`; full-width and decomposed letters. Also the octets of a digest or proof as sent.
- Any shift of the alphabet and Atbash, of six letters and more; look-alikes, of eight letters and
  digits and more (`substitutions`).
- Base36, 58, 62, 85 and other alphabets of base32, and unsalted digests: of eight octets and
  more, where the secret, or the credential as it was sent, stands there by itself on one line
  (`whole_spellings`): no part of a secret can be told in them.

No search finds what takes a key or a guess to undo (a cipher, XOR, a salted digest), what is
compressed, or words that somebody made up for letters.

**In doubt** the answer is yes: for a text with more readings than are looked at, for secrets too
many or too long to look for within the budget.
"""
