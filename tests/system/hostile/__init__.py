"""What a hostile visitor tries on live servers."""

#: Where the site says that it is.
ORIGIN = "http://site.test"

#: What its senders of webhooks know.
SECRET = "a secret of the site under attack"

#: The three sites, each below a path of its own: without ProxyFix, with it inside of the
#: extension, and outside.
PLACES = ("alone", "inside", "outside")
