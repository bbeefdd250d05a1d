-- One row for each minute of each instance, so that the past can be looked at. Shares of one (level, saturation)
-- are in thousandths; memory is in bytes.

CREATE TABLE sample (
    at BIGINT NOT NULL,
    instance BLOB NOT NULL,
    level BIGINT NOT NULL,
    saturation BIGINT NOT NULL,
    active BIGINT NOT NULL,
    idle BIGINT NOT NULL,
    queue_depth BIGINT NOT NULL,
    queue_age_ms BIGINT NOT NULL,
    throughput BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    p95_ms BIGINT NOT NULL,
    p99_ms BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    memory BIGINT NOT NULL,
    PRIMARY KEY (at, instance)
);
