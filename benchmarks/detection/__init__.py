"""The benchmark of detection: seeded life of queues, troubles of known harm, Callwatch and five others on them."""
