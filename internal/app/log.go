package app

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"

	"github.com/nself-chat/hub/internal/secret"
)

// Formats of the log.
const (
	formatAuto = "auto"
	formatText = "text"
	formatJSON = "json"
)

// ComponentKey is the attribute that names the part of the hub a logger belongs to: log.With(ComponentKey, "delivery").
// DEBUG switches the debug lines of such a logger on, whatever the level of the log.
const ComponentKey = "component"

// NewLogger returns the hub's logger, which writes to w in the form that c asks for. The credentials of the
// configuration, and whatever looks like one of ours, are masked in all it writes. NO_COLOR (https://no-color.org)
// switches colours off.
func NewLogger(w io.Writer, c Config) *slog.Logger {
	return newLogger(w, c, isTerminal(w), os.Getenv("NO_COLOR") != "")
}

func newLogger(w io.Writer, c Config, terminal, noColor bool) *slog.Logger {
	handler := secret.NewRedactor(c.credentials()...).Handler(formatHandler(w, c.Log.Format, terminal, noColor))
	return slog.New(&componentHandler{next: handler, level: c.Log.Level, debug: c.Log.Debug})
}

// formatHandler lets every level through: componentHandler decides.
func formatHandler(w io.Writer, format string, terminal, noColor bool) slog.Handler {
	const everything = slog.LevelDebug
	switch {
	case format == formatText:
		return slog.NewTextHandler(w, &slog.HandlerOptions{Level: everything})
	case format == formatAuto && terminal:
		return tint.NewTextHandler(w, &tint.Options{Level: everything, NoColor: noColor, TimeFormat: "15:04:05.000"})
	default:
		return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: everything})
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// credentials lists what the log must never show, with the parts of which a list is made.
func (c Config) credentials() []secret.String {
	list := []secret.String{c.AdminToken, c.SecretKeys}
	for _, entry := range splitList(c.SecretKeys.Reveal()) {
		_, key, _ := strings.Cut(entry, ":")
		list = append(list, secret.New(key))
	}
	return list
}

// componentHandler decides by level and by component. It is immutable, like all handlers.
type componentHandler struct {
	next   slog.Handler
	level  slog.Level
	debug  Debug
	detail bool // debug lines are wanted of the present component
	nested bool // in a group, where "component" is another's word
}

// Enabled reports whether a line of this level is wanted of the present component.
func (h *componentHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level || h.detail && level >= slog.LevelDebug
}

// Handle passes the record on.
func (h *componentHandler) Handle(ctx context.Context, record slog.Record) error {
	return h.next.Handle(ctx, record)
}

// WithAttrs looks for the component's name.
func (h *componentHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	child := *h
	child.next = h.next.WithAttrs(attrs)
	for _, a := range attrs {
		if a.Key == ComponentKey && !h.nested {
			child.detail = h.debug.Component(a.Value.Resolve().String())
		}
	}
	return &child
}

// WithGroup passes the group on.
func (h *componentHandler) WithGroup(name string) slog.Handler {
	child := *h
	child.next = h.next.WithGroup(name)
	child.nested = h.nested || name != ""
	return &child
}
