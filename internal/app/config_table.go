package app

// field is one setting. The table below is the only place that names it: flags, environment, file, documentation and
// messages all read it there.
type field struct {
	Key        string // in hub.yaml
	Env        string
	Flag       string
	Default    string // as it would be written in the environment
	DefaultDoc string // what to print instead of Default when that depends on other settings
	Secret     bool   // the value is masked wherever it is shown
	Doc        string
	codec
}

func (f *field) usage() string {
	usage := f.Doc + " [" + f.Env + "]"
	if d := f.defaultDoc(); d != "" {
		usage += " (default " + d + ")"
	}
	return usage
}

func (f *field) defaultDoc() string {
	if f.DefaultDoc != "" {
		return f.DefaultDoc
	}
	return f.Default
}

const (
	day = 24 * 60 * 60 * 1000 // milliseconds

	// dataDirKey cannot be in the file that is found by means of it.
	dataDirKey = "dataDir"
)

var fields = []*field{
	{
		Key: "addr", Env: "HUB_ADDR", Flag: "addr", Default: "127.0.0.1:8000",
		Doc:   "Address to listen on, host:port. :8000 listens on all interfaces; port 0 lets the system choose.",
		codec: address(func(c *Config) *string { return &c.Addr }),
	},
	{
		Key: dataDirKey, Env: "HUB_DATA_DIR", Flag: "data-dir", Default: "./data",
		Doc:   "Folder of the database, the keys and the uploaded files.",
		codec: folder(func(c *Config) *string { return &c.DataDir }),
	},
	{
		Key: "baseUrl", Env: "HUB_BASE_URL", Flag: "base-url", DefaultDoc: "made of addr",
		Doc:   "Public URL of the hub, used in links, webhook URLs, OAuth and setup pages.",
		codec: baseURL(func(c *Config) *string { return &c.BaseURL }),
	},
	{
		Key: "adminToken", Env: "HUB_ADMIN_TOKEN", Flag: "admin-token", Secret: true, DefaultDoc: "made at first start",
		Doc: "API token of the owner, set at start. A flag can be seen by every user of the machine: " +
			"prefer the environment or the file.",
		codec: token(func(c *Config) *secretString { return &c.AdminToken }),
	},
	{
		Key: "databaseUrl", Env: "HUB_DATABASE_URL", Flag: "database-url", Secret: true,
		DefaultDoc: "sqlite://<dataDir>/hub.db",
		Doc: "Database: sqlite://path, embedded, for one hub; or postgres://user:password@host/database, for one or " +
			"several.",
		codec: databaseURL(),
	},
	{
		Key: "databaseSchema", Env: "HUB_DATABASE_SCHEMA", Flag: "database-schema", Default: "hub",
		Doc:   "Schema of the hub's tables on Postgres. It is made at first start.",
		codec: schemaName(func(c *Config) *string { return &c.Database.Schema }),
	},
	{
		Key: "secretKeys", Env: "HUB_SECRET_KEYS", Flag: "secret-keys", Secret: true,
		DefaultDoc: "the file <dataDir>/keys, made at first start",
		Doc:        "Keys that seal credentials in the database, id:base64,… The first seals, all open.",
		codec:      keyList(func(c *Config) *secretString { return &c.SecretKeys }),
	},
	{
		Key: "files", Env: "HUB_FILES", Flag: "files", DefaultDoc: "<dataDir>/files",
		Doc:   "Folder of the uploaded files.",
		codec: optionalFolder(func(c *Config) *string { return &c.Files.Dir }),
	},
	{
		Key: "fileMax", Env: "HUB_FILE_MAX", Flag: "file-max", Default: "25MiB",
		Doc:   "Largest uploaded file.",
		codec: size(1, func(c *Config) *int64 { return &c.Files.Max }),
	},
	{
		Key: "incomingRateLimit", Env: "HUB_INCOMING_RATE_LIMIT", Flag: "incoming-rate-limit", Default: "60",
		Doc:   "Calls a minute to an incoming webhook from one client address. 0 is off.",
		codec: integer(0, 1_000_000, func(c *Config) *int { return &c.Incoming.RateLimit }),
	},
	{
		Key: "trustedProxies", Env: "HUB_TRUSTED_PROXIES", Flag: "trusted-proxies",
		Doc:   "Networks of reverse proxies whose X-Forwarded-For header counts.",
		codec: prefixes(func(c *Config) *prefixList { return &c.Incoming.TrustedProxies }),
	},
	{
		Key: "egressAllow", Env: "HUB_EGRESS_ALLOW", Flag: "egress-allow",
		Doc: "Private networks that the hub may call. Private and link-local addresses are refused otherwise, and " +
			"loopback unless the hub itself listens there.",
		codec: prefixes(func(c *Config) *prefixList { return &c.Egress.Allow }),
	},
	{
		Key: "allowHttp", Env: "HUB_ALLOW_HTTP", Flag: "allow-http", Default: "false",
		Doc:   "Call plain http:// URLs anywhere, not only on loopback and in the networks of egressAllow.",
		codec: boolean(func(c *Config) *bool { return &c.Egress.AllowHTTP }),
	},
	{
		Key: "concurrency", Env: "HUB_CONCURRENCY", Flag: "concurrency", Default: "10",
		Doc:   "Requests in flight to one endpoint, where the webhook does not say.",
		codec: integer(1, 100, func(c *Config) *int { return &c.Queue.Concurrency }),
	},
	{
		Key: "maxRetries", Env: "HUB_MAX_RETRIES", Flag: "max-retries", Default: "3",
		Doc:   "Retries of a delivery after its first attempt, where the webhook does not say.",
		codec: integer(0, 20, func(c *Config) *int { return &c.Queue.MaxRetries }),
	},
	{
		Key: "retryDelay", Env: "HUB_RETRY_DELAY", Flag: "retry-delay", Default: "5000",
		Doc:   "Wait before the first retry; it doubles with each one. Where the webhook does not say.",
		codec: milliseconds(100, day, func(c *Config) *duration { return &c.Queue.RetryDelay }),
	},
	{
		Key: "timeout", Env: "HUB_TIMEOUT", Flag: "timeout", Default: "30000",
		Doc:   "Time for one attempt as a whole, where the webhook does not say.",
		codec: milliseconds(1000, 120_000, func(c *Config) *duration { return &c.Queue.Timeout }),
	},
	{
		Key: "retentionDays", Env: "HUB_RETENTION_DAYS", Flag: "retention-days", Default: "30",
		Doc:   "Days to keep finished deliveries, their events and the log of incoming calls. 0 is for ever.",
		codec: days(func(c *Config) *duration { return &c.Retention.Finished }),
	},
	{
		Key: "retentionFailedDays", Env: "HUB_RETENTION_FAILED_DAYS", Flag: "retention-failed-days", Default: "90",
		Doc:   "Days to keep failed deliveries. 0 is for ever.",
		codec: days(func(c *Config) *duration { return &c.Retention.Failed }),
	},
	{
		Key: "retentionBytes", Env: "HUB_RETENTION_BYTES", Flag: "retention-bytes", Default: "10GB",
		Doc:   "Size of the finished work that is kept; the oldest goes first. 0 is no limit.",
		codec: size(0, func(c *Config) *int64 { return &c.Retention.Bytes }),
	},
	{
		Key: "diskReserve", Env: "HUB_DISK_RESERVE", Flag: "disk-reserve", Default: "256MiB",
		Doc:   "Free space below which the hub takes in nothing new, so that running work can finish. 0 is off.",
		codec: size(0, func(c *Config) *int64 { return &c.DiskReserve }),
	},
	{
		Key: "synchronous", Env: "HUB_SYNCHRONOUS", Flag: "synchronous", Default: "full",
		Doc: "full: what was acknowledged survives a power cut. normal: it survives a crash of the hub, but a power " +
			"cut may lose the last moments.",
		codec: choice(func(c *Config) *string { return &c.Database.Synchronous }, "full", "normal"),
	},
	{
		Key: "drainDelay", Env: "HUB_DRAIN_DELAY", Flag: "drain-delay", Default: "0",
		Doc: "How long the hub goes on when it is told to stop, but for /readyz, so that a load balancer sends requests " +
			"elsewhere first.",
		codec: milliseconds(0, 60_000, func(c *Config) *duration { return &c.DrainDelay }),
	},
	{
		Key: "log", Env: "HUB_LOG", Flag: "log", Default: "info",
		Doc:   "Least level of the lines in the log.",
		codec: level(func(c *Config) *slogLevel { return &c.Log.Level }),
	},
	{
		Key: "logFormat", Env: "HUB_LOG_FORMAT", Flag: "log-format", Default: formatAuto,
		Doc:   "Form of the log: text, json, or auto (coloured on a terminal, json elsewhere).",
		codec: choice(func(c *Config) *string { return &c.Log.Format }, formatAuto, formatText, formatJSON),
	},
	{
		Key: "debug", Env: "DEBUG", Flag: "debug",
		Doc: "Components to log in detail, as patterns: integrations:*, integrations:delivery; " +
			"a leading minus excludes: -integrations:store.",
		codec: debug(func(c *Config) *Debug { return &c.Log.Debug }),
	},
	{
		Key: "pprofAddr", Env: "HUB_PPROF_ADDR", Flag: "pprof-addr",
		Doc:   "Address of the Go profiler, host:port. Empty is off. It shows the memory of the hub: keep it private.",
		codec: optionalAddress(func(c *Config) *string { return &c.PprofAddr }),
	},
	{
		Key: "scrubDeleted", Env: "HUB_SCRUB_DELETED", Flag: "scrub-deleted", Default: "false",
		Doc:   "Remove the text of a message from the event log when the message is deleted.",
		codec: boolean(func(c *Config) *bool { return &c.ScrubDeleted }),
	},
}
