#pragma once
#include <curl/curl.h>

// curl_easy_setopt and curl_easy_getinfo take arguments of any type, which Swift does not import: one function per type.

static inline CURLcode skein_curl_set_number(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode skein_curl_set_text(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode skein_curl_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode skein_curl_set_context(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}

typedef size_t (*skein_curl_receive)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode skein_curl_set_receiver(CURL *easy, CURLoption option, skein_curl_receive receive) {
    return curl_easy_setopt(easy, option, receive);
}

static inline long skein_curl_status(CURL *easy) {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/// 0: the server named no time to wait.
static inline long long skein_curl_retry_after_seconds(CURL *easy) {
    curl_off_t seconds = 0;
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
    return (long long)seconds;
}

/// Nil: none was sent. Lives as long as the transfer.
static inline const char *skein_curl_content_type(CURL *easy) {
    char *type = NULL;
    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    return type;
}

/// The transfer that a message tells the end of, and how it ended.
static inline CURLcode skein_curl_result(CURLMsg *message) { return message->data.result; }
