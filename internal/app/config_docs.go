package app

import (
	"strings"
)

// Setting describes one setting and its present value, for `hub config` and the documentation.
type Setting struct {
	Key     string `json:"key"`
	Env     string `json:"env"`
	Flag    string `json:"flag"`
	Value   string `json:"value"` // a secret is masked
	Source  Source `json:"source"`
	Default string `json:"default"`
	Accepts string `json:"accepts"`
	Secret  bool   `json:"secret"`
	Doc     string `json:"doc"`
}

// Describe returns all settings in the order of the table, with the values of c.
func (c Config) Describe() []Setting {
	settings := make([]Setting, len(fields))
	for i, f := range fields {
		settings[i] = Setting{
			Key: f.Key, Env: f.Env, Flag: "--" + f.Flag, Value: f.show(&c), Source: c.Source(f.Key),
			Default: f.defaultDoc(), Accepts: f.accepts, Secret: f.Secret, Doc: f.Doc,
		}
	}
	return settings
}

// Source returns where the setting of this key comes from.
func (c Config) Source(key string) Source {
	if source, ok := c.sourceByField[key]; ok {
		return source
	}
	return SourceDefault
}

// ConfigMarkdown returns the reference of all settings as a Markdown table.
func ConfigMarkdown() string {
	var b strings.Builder
	b.WriteString("| key in hub.yaml | environment | flag | default | accepts | meaning |\n|---|---|---|---|---|---|\n")
	for _, f := range fields {
		d := "`" + f.Default + "`"
		if f.Default == "" {
			d = markdownCell(f.DefaultDoc)
		}
		cells := []string{
			"`" + f.Key + "`", "`" + f.Env + "`", "`--" + f.Flag + "`", d,
			markdownCell(f.accepts), markdownCell(f.Doc),
		}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	return b.String()
}

// markdownCell escapes what Markdown would take for markup: patterns with stars, and <names>.
func markdownCell(text string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "<", "&lt;").Replace(text)
}
