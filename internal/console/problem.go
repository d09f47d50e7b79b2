package console

import (
	"net/http"

	"github.com/a-h/templ"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/server"
)

// NotFound answers requests for pages that do not exist, or not by that method;
// see [server.Server.HandleNotFound].
func (c *Console) NotFound() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if w.Header().Get("Allow") != "" {
			answer(w, r, http.StatusMethodNotAllowed, problemPage(textWrongMethod, textWrongMethodHelp, ""))
			return
		}
		answer(w, r, http.StatusNotFound, problemPage(textNotFound, textNotFoundHelp, ""))
	})
}

// showProblem answers with the page for err.
func showProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := server.Report(r, err)
	switch p.Code {
	case hub.Unauthorized:
		answer(w, r, p.Status, signedOutPage())
	case hub.NotFound:
		answer(w, r, p.Status, problemPage(textNotFound, textNotFoundHelp, ""))
	case hub.Forbidden:
		answer(w, r, p.Status, problemPage(textForbidden, p.Detail, ""))
	default:
		answer(w, r, p.Status, problemPage(textFailed, p.Detail, server.RequestID(r.Context())))
	}
}

// answer is write for pages that need nothing, so that nothing can fail but
// the template itself.
func answer(w http.ResponseWriter, r *http.Request, status int, t templ.Component) {
	if err := write(w, r, status, t); err != nil {
		server.WriteProblem(w, r, err)
	}
}
