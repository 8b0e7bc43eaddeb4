"""Why a person must look at a copy, besides what its header says (``Review``): what was seen, or could not be seen, in its pixels."""

from typing import Final

#: Letters were read in the pixels.
WORDS_SEEN: Final = "words_seen"
#: The pixels cannot be searched: films, encodings without a decoder.
NOT_SEARCHED: Final = "not_searched"
#: After all that was made black an identifier of the patient is still read.
IDENTIFIER_SEEN: Final = "identifier_seen"
