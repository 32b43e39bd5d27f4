"""The seam through which the rest of the house hears of merchants.

`merchant_created` is sent inside the transaction that stores a new one, with `merchant` and `by`: what a
listener writes and the merchant are committed together; a listener that fails undoes it.
"""

from django.dispatch import Signal

merchant_created = Signal()
