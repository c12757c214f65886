"""What of http-cache-tests 0.4.5 a static page does not do, and why.

The suite asks how a shared cache between browsers and a site behaves; a static page is of
the site itself. All that is not named here must pass.
"""

from __future__ import annotations

import typing as t

# Reason to ids of tests.
_IDS: t.Final[t.Mapping[str, str]] = {
    "no revalidation: the view is run instead; nothing of an origin's 304 is merged": """
        304-etag-update-response-Cache-Control
        304-etag-update-response-Clear-Site-Data
        304-etag-update-response-Content-Encoding
        304-etag-update-response-Content-Foo
        304-etag-update-response-Content-Length
        304-etag-update-response-Content-Location
        304-etag-update-response-Content-MD5
        304-etag-update-response-Content-Range
        304-etag-update-response-Content-Security-Policy
        304-etag-update-response-Content-Type 304-etag-update-response-ETag
        304-etag-update-response-Expires
        304-etag-update-response-Public-Key-Pins
        304-etag-update-response-Set-Cookie 304-etag-update-response-Set-Cookie2
        304-etag-update-response-Test-Header
        304-etag-update-response-X-Content-Foo
        304-etag-update-response-X-Frame-Options
        304-etag-update-response-X-Test-Header
        304-etag-update-response-X-XSS-Protection 304-lm-use-stored-Test-Header
        cc-resp-must-revalidate-stale cc-resp-no-cache-revalidate
        cc-resp-no-cache-revalidate-fresh conditional-etag-strong-generate
        conditional-etag-strong-generate-unquoted conditional-etag-vary-headers
        conditional-etag-vary-headers-mismatch
        conditional-etag-weak-generate-weak conditional-lm-stale
    """,
    "no header of a visitor reaches a render, and none makes a page a miss": """
        ccreq-ma0 ccreq-ma1 ccreq-magreaterage ccreq-max-stale
        ccreq-max-stale-age ccreq-min-fresh ccreq-min-fresh-age ccreq-no-cache
        ccreq-no-cache-etag ccreq-no-cache-lm ccreq-no-store ccreq-oic
        conditional-etag-forward conditional-etag-forward-unquoted
        other-authorization other-authorization-must-revalidate
        other-authorization-public other-authorization-smaxage
    """,
    "no heuristics: pages are kept for as long as the application says": """
        heuristic-200-cached heuristic-203-cached heuristic-204-cached
        heuristic-404-cached heuristic-405-cached heuristic-410-cached
        heuristic-414-cached heuristic-501-cached heuristic-599-cached
        heuristic-delta-10 heuristic-delta-1200 heuristic-delta-1800
        heuristic-delta-30 heuristic-delta-300 heuristic-delta-3600
        heuristic-delta-43200 heuristic-delta-5 heuristic-delta-60
        heuristic-delta-600 heuristic-delta-86400
        other-heuristic-content-disposition-attachment
        pragma-response-no-cache-heuristic
    """,
    "an error is shared for a second, and an old page beats one": """
        heuristic-502-not_cached heuristic-503-not_cached
        heuristic-504-not_cached heuristic-599-not_cached
        stale-close-must-revalidate stale-close-no-cache
        stale-close-proxy-revalidate stale-close-s-maxage=2 status-500-stale
        status-502-stale status-503-stale status-504-stale
        status-599-must-understand status-599-stale
    """,
    "only 200, 404 and 410 are stored, and no answer to a POST": """
        method-POST status-203-fresh status-204-fresh status-299-fresh
        status-301-fresh status-302-fresh status-303-fresh status-307-fresh
        status-308-fresh status-400-fresh status-499-fresh status-500-fresh
        status-502-fresh status-503-fresh status-504-fresh status-599-fresh
    """,
    "a page that varies, or sets a cookie, is not static": """
        headers-store-Set-Cookie other-set-cookie vary-2-match vary-3-match
        vary-3-omit vary-cache-key vary-invalidate vary-match
        vary-normalise-combine vary-normalise-lang-case
        vary-normalise-lang-order vary-normalise-lang-select
        vary-normalise-lang-space vary-normalise-space
    """,
    "lifetimes begin anew with each answer, so there is no Age; Date is the server's": """
        other-age-gen other-age-update-expires other-age-update-max-age
        other-date-update
    """,
    "HEAD is answered from the page of GET": """
        head-200-freshness-update head-200-retain head-200-update
        head-410-update head-writethrough
    """,
    "Range is ignored": """
        partial-store-complete-reuse-partial
        partial-store-complete-reuse-partial-no-last
        partial-store-complete-reuse-partial-suffix
        partial-store-partial-complete partial-store-partial-reuse-partial
        partial-store-partial-reuse-partial-absent
        partial-store-partial-reuse-partial-byterange
        partial-store-partial-reuse-partial-suffix partial-use-headers
        partial-use-stored-headers
    """,
    "Location expires nothing, which RFC 9111 allows: each log-in names the home page": """
        invalidate-DELETE-cl invalidate-DELETE-location invalidate-M-SEARCH-cl
        invalidate-M-SEARCH-location invalidate-POST-cl invalidate-POST-location
        invalidate-PUT-cl invalidate-PUT-location
    """,
    "no Surrogate-Control, no Warning (obsolete), no fields named in no-cache": """
        headers-omit-headers-listed-in-Cache-Control-no-cache
        headers-omit-headers-listed-in-Cache-Control-no-cache-single
        stale-warning-become stale-warning-stored surrogate-append-capabilities
        surrogate-fresh-cc-nostore surrogate-max-age surrogate-max-age-0-expires
        surrogate-max-age-case-insensitive
        surrogate-max-age-cc-max-age-invalid-expires surrogate-max-age-expires
        surrogate-max-age-extension surrogate-max-age-long-cc-max-age
        surrogate-max-age-max surrogate-max-age-max-plus
        surrogate-max-age-me-target surrogate-max-age-short-cc-max-age
        surrogate-no-store-cc-fresh
    """,
    "of the bridge: how it reads lifetimes, and what node-fetch sends": """
        age-parse-dup-0 age-parse-dup-0-twoline age-parse-dup-old
        age-parse-float age-parse-negative age-parse-nonnumeric
        age-parse-numeric-parameter age-parse-parameter age-parse-prefix-twoline
        age-parse-suffix cc-resp-no-cache-case-insensitive
        conditional-etag-strong-respond-obs-text freshness-expires-invalid-date
        freshness-max-age-100a freshness-max-age-a100
        freshness-max-age-case-insenstive freshness-max-age-date
        freshness-max-age-decimal-five freshness-max-age-decimal-zero
        freshness-max-age-s-maxage-shared-longer-multiple
        freshness-max-age-space-after-equals
        freshness-max-age-space-before-equals
        freshness-max-age-two-fresh-stale-sameline
        freshness-max-age-two-stale-fresh-sepline
    """,
    "ETags that are none, and dates without a Last-Modified, match nothing": """
        conditional-etag-weak-respond-backslash
        conditional-etag-weak-respond-lowercase
        conditional-etag-weak-respond-omit-slash conditional-lm-fresh-no-lm
    """,
}

#: Id of a test to the reason why it need not pass.
BY_DESIGN: t.Final[t.Mapping[str, str]] = {
    name: reason for reason, names in _IDS.items() for name in names.split()
}
