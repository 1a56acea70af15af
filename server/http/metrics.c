#include "http/metrics.h"

#include "base/log.h"

static const int64_t bucket_edges[METRICS_BUCKETS - 1] = {1000,   2500,   5000,    10000,   25000,   50000,
                                                          100000, 250000, 1000000, 5000000, 30000000};
static const char *const bucket_names[METRICS_BUCKETS] = {"0.001", "0.0025", "0.005", "0.01", "0.025", "0.05",
                                                          "0.1",   "0.25",   "1",     "5",    "30",    "+Inf"};

void metrics_count(struct metrics *m, unsigned route, int status, int64_t microseconds, int64_t received, int64_t sent)
{
    unsigned class = status >= 100 && status < 600 ? (unsigned)status / 100 : 0;
    atomic_fetch_add_explicit(&m->requests[route][class], 1, memory_order_relaxed);
    unsigned bucket = 0;
    while (bucket < METRICS_BUCKETS - 1 && microseconds > bucket_edges[bucket])
        bucket++;
    atomic_fetch_add_explicit(&m->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->microseconds, microseconds, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->received_bytes, received, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->sent_bytes, sent, memory_order_relaxed);
}

static void metric(struct buf *out, const char *name, const char *type, const char *help, long long value)
{
    buf_append_format(out, "# HELP reckoner_%s %s\n# TYPE reckoner_%s %s\nreckoner_%s %lld\n", name, help, name, type,
                      name, value);
}

static void write_requests(const struct metrics *m, const char *const *names, struct buf *out)
{
    static const char *const classes[METRICS_CLASSES] = {"cut", "1xx", "2xx", "3xx", "4xx", "5xx"};
    buf_append_text(out, "# HELP reckoner_http_requests_total Requests by operation and class of status; cut: no "
                         "answer was sent\n# TYPE reckoner_http_requests_total counter\n");
    for (unsigned route = 0, ended = 0; route < METRICS_ROUTES; route++) {
        if (!ended && names[route] == NULL)
            ended = 1;
        for (unsigned class = 0; class < METRICS_CLASSES; class ++) {
            long long n = atomic_load_explicit(&m->requests[route][class], memory_order_relaxed);
            if (n > 0)
                buf_append_format(out, "reckoner_http_requests_total{operation=\"%s\",class=\"%s\"} %lld\n",
                                  ended ? "none" : names[route], classes[class], n);
        }
    }
}

static void write_durations(const struct metrics *m, struct buf *out)
{
    buf_append_text(out, "# HELP reckoner_http_duration_seconds From the headers to the last byte of the answer\n"
                         "# TYPE reckoner_http_duration_seconds histogram\n");
    long long sum = 0;
    for (unsigned i = 0; i < METRICS_BUCKETS; i++) {
        sum += atomic_load_explicit(&m->buckets[i], memory_order_relaxed);
        buf_append_format(out, "reckoner_http_duration_seconds_bucket{le=\"%s\"} %lld\n", bucket_names[i], sum);
    }
    long long micro = atomic_load_explicit(&m->microseconds, memory_order_relaxed);
    buf_append_format(out,
                      "reckoner_http_duration_seconds_sum %lld.%06lld\nreckoner_http_duration_seconds_count %lld\n",
                      micro / 1000000, micro % 1000000, sum);
}

bool metrics_write(const struct metrics *m, const struct metrics_gauges *g, const char *const *names, struct buf *out)
{
    write_requests(m, names, out);
    write_durations(m, out);
    metric(out, "http_received_bytes_total", "counter", "Bytes of bodies received", atomic_load(&m->received_bytes));
    metric(out, "http_sent_bytes_total", "counter", "Bytes of bodies sent", atomic_load(&m->sent_bytes));
    metric(out, "http_slow_requests_total", "counter", "Requests slower than slow_request_ms", atomic_load(&m->slow));
    metric(out, "http_uploads_cut_total", "counter", "Uploads that ended before their last byte",
           atomic_load(&m->uploads_cut));
    metric(out, "http_overloaded_total", "counter", "Requests refused because a limit was reached",
           atomic_load(&m->overloaded));
    metric(out, "withheld_replies_total", "counter", "Answers kept back because a text could identify a patient",
           atomic_load(&m->withheld));
    metric(out, "withheld_log_texts_total", "counter", "Texts kept out of the log for the same reason", log_withheld());
    metric(out, "database_away_total", "counter", "Requests that found the database away", g->database_away);
    metric(out, "http_requests_open", "gauge", "Requests under way", g->exchanges);
    metric(out, "http_uploads_open", "gauge", "Uploads under way", g->uploads);
    metric(out, "http_queue_depth", "gauge", "Requests that wait for a database thread", g->queue_depth);
    metric(out, "http_json_budget_bytes", "gauge", "Memory set aside for JSON bodies under way", g->json_bytes);
    return !out->failed;
}
