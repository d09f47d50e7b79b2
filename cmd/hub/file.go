package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/client"
	"github.com/nself-chat/hub/internal/app"
)

func newFileCommand(r *reach) *cobra.Command {
	return r.noun(&cobra.Command{
		Use:     "file",
		Aliases: []string{"files"},
		Short:   "Upload and download files",
		Long:    "Upload files, to be posted with messages, and download those that were.",
		Example: "  hub file upload report.pdf\n  hub file download 01a20028-dd55-7000-8b7e-02788dca0b21",
	}, newFileUploadCommand(r), newFileDownloadCommand(r), newFileShowCommand(r), newFileDeleteCommand(r))
}

// meter counts what is read through it.
type meter struct {
	from     io.Reader
	at       app.Progress
	progress *progressPrinter
}

// shortTransfer is a size below which progress is not worth a line, in bytes.
const shortTransfer = 1 << 20

// metered shows how far reading is; total 0: not known.
func (j *job) metered(from io.Reader, step string, total int64) *meter {
	return &meter{
		from: from, at: app.Progress{Step: step, Total: total, Bytes: true},
		progress: newProgress(j.err, j.json || j.quiet || total < shortTransfer),
	}
}

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	m.at.Done += int64(n)
	m.progress.show(m.at)
	return n, err
}

// Seek implements io.Seeker where from does, so that an upload can be repeated.
func (m *meter) Seek(offset int64, whence int) (int64, error) {
	s, ok := m.from.(io.Seeker)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	at, err := s.Seek(offset, whence)
	m.at.Done = at
	return at, err
}

func (j *job) showFile(f client.Attachment) error {
	size := ""
	if f.Width > 0 {
		size = fmt.Sprintf("%d × %d", f.Width, f.Height)
	}
	return j.show(f.ID, "ID", f.ID, "Name", f.Filename, "Type", f.MimeType, "Size", sizeText(f.Size), "Picture", size, "URL", f.URL)
}

// fileInfo is what a download says of a file.
func fileInfo(id string, f *client.File) client.Attachment {
	return client.Attachment{ID: id, Filename: f.Filename, MimeType: f.MimeType, Size: max(f.Size, 0), URL: "/api/files/" + id}
}

// fileJSON prints a file as the API shows it.
func (j *job) fileJSON(f client.Attachment) error {
	return writeJSON(j.out, hub.AttachmentInfo{ID: hub.FileID(f.ID), Filename: f.Filename, MimeType: f.MimeType, Size: f.Size, URL: f.URL})
}

// sizeText writes a number of bytes for people.
func sizeText(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return amount(n, true)
}

func newFileUploadCommand(r *reach) *cobra.Command {
	var name string
	var quiet bool
	cmd := &cobra.Command{
		Use:   "upload FILE|-",
		Short: "Upload a file",
		Long: `Upload a file. It is posted with a message by its id; until then only you and
administrators see it.`,
		Example: `  hub file upload report.pdf
  hub message post general 'The report' --file-id "$(hub file upload report.pdf --quiet)"`,
		Args: cobra.ExactArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			f, err := j.upload(args[0], name)
			if err != nil {
				return err
			}
			return j.showFile(f)
		}),
	}
	cmd.Flags().StringVar(&name, "name", "", "name to show (default: the file's)")
	quietFlag(cmd, &quiet)
	return cmd
}

func newFileDownloadCommand(r *reach) *cobra.Command {
	var path string
	var force bool
	cmd := &cobra.Command{
		Use:     "download FILE",
		Short:   "Download a file",
		Long:    "Download a file by its id, under the name that it was uploaded with, or to --output; - is standard output.",
		Example: "  hub file download 01a20028-dd55-7000-8b7e-02788dca0b21\n  hub file download 01a20028-dd55-7000-8b7e-02788dca0b21 --output - | less",
		Args:    cobra.ExactArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			content, err := j.Download(j.ctx, args[0])
			if err != nil {
				return err
			}
			defer content.Close()
			info := fileInfo(args[0], content)
			if path == "-" {
				return j.writeTo(j.out, content)
			}
			to := path
			if to == "" {
				to = safeName(info.Filename)
			} else if s, err := os.Stat(to); err == nil && s.IsDir() {
				to = filepath.Join(to, safeName(info.Filename))
			}
			m := j.metered(content, "downloading "+filepath.Base(to), info.Size)
			err = saveFile(to, m, force)
			m.progress.end()
			if err != nil {
				return err
			}
			if j.json {
				return j.fileJSON(info)
			}
			_, err = fmt.Fprintf(j.out, "%s: %s\n", to, sizeText(m.at.Done))
			return err
		}),
	}
	cmd.Flags().StringVarP(&path, "output", "o", "", "file or folder to write to; -: standard output")
	cmd.Flags().BoolVar(&force, "force", false, "replace a file that is there")
	return cmd
}

// writeTo writes a content to standard output, unless a person would see bytes that are no text.
func (j *job) writeTo(out io.Writer, content io.Reader) error {
	if f, ok := out.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		text, err := io.ReadAll(content)
		if err != nil {
			return err
		}
		content = strings.NewReader(visible(string(text), len(text)))
	}
	_, err := io.Copy(out, content)
	return err
}

// safeName is a file's name without a path, which somebody else chose.
func safeName(name string) string {
	name = filepath.Base(filepath.Clean("/" + strings.ReplaceAll(oneLine(name), "\\", "/")))
	if name == "/" || strings.HasPrefix(name, ".") {
		return "download" + strings.TrimPrefix(name, "/")
	}
	return name
}

// saveFile writes a content under a name when it has come in full. Who may read it is up to the umask.
func saveFile(path string, content io.Reader, force bool) (err error) {
	if _, err := os.Lstat(path); err == nil && !force {
		return fail(exitConflict, "%s is there already: --force replaces it, --output names another", path)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	part, err := os.OpenFile(filepath.Join(filepath.Dir(path), ".hub-download-"+rand.Text()), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(part.Name())
		}
	}()
	_, err = io.Copy(part, content)
	if err = errors.Join(err, part.Close()); err != nil {
		return err
	}
	return os.Rename(part.Name(), path)
}

func newFileShowCommand(r *reach) *cobra.Command {
	return &cobra.Command{
		Use:     "show FILE",
		Short:   "Show the name, type and size of a file",
		Long:    "Show the name, type and size of a file by its id.",
		Example: "  hub file show 01a20028-dd55-7000-8b7e-02788dca0b21",
		Args:    cobra.ExactArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			content, err := j.Download(j.ctx, args[0])
			if err != nil {
				return err
			}
			defer content.Close() // the head of the answer says it all
			info := fileInfo(args[0], content)
			if j.json {
				return j.fileJSON(info)
			}
			return j.showFile(info)
		}),
	}
}

func newFileDeleteCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "delete FILE...",
		Short:   "Delete files",
		Long:    "Delete files, also from the messages that they were posted with.",
		Example: "  hub file delete 01a20028-dd55-7000-8b7e-02788dca0b21 --yes",
		Args:    cobra.MinimumNArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			if err := j.confirm("Delete the file %s for good?", join(args, "and")); err != nil {
				return err
			}
			return j.each(args, func(arg string) error {
				if err := j.DeleteFile(j.ctx, arg); err != nil {
					return err
				}
				return j.done("Deleted the file %s.", arg)
			})
		}),
	}
	yesFlag(cmd)
	return cmd
}
