package console

import (
	"net/http"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/server"
)

// maxCode is longer than any sign-in code.
const maxCode = 256

// loginForm shows the button that spends the code of a sign-in link.
func (c *Console) loginForm(w http.ResponseWriter, r *http.Request) {
	code := r.URL.Query().Get("code")
	if code == "" || len(code) > maxCode {
		answer(w, r, http.StatusUnauthorized, signedOutPage())
		return
	}
	answer(w, r, http.StatusOK, loginPage(code))
}

// login spends the code and begins a session. Another site must not be able
// to make a browser do this: it would sign its visitors in as somebody of its
// choice.
func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	err := server.CheckOriginAlways(r)
	if err == nil {
		r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
		if err = r.ParseForm(); err != nil {
			err = formError(err)
		}
	}
	if err == nil {
		_, err = c.Auth.SignIn(w, r, r.PostForm.Get("code"))
	}
	if err == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	p := server.Report(r, err)
	if p.Code == hub.Internal {
		answer(w, r, p.Status, problemPage(textFailed, p.Detail, server.RequestID(r.Context())))
		return
	}
	answer(w, r, p.Status, loginFailedPage(p.Detail))
}

// logout ends the session. Its form is on every page, so requests of other
// sites are refused by the server's middleware: they come with the cookie.
func (c *Console) logout(w http.ResponseWriter, r *http.Request) {
	if err := c.Auth.SignOut(w, r); err != nil {
		showProblem(w, r, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
