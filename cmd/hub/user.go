package main

import (
	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/client"
)

func newUserCommand(r *reach) *cobra.Command {
	return r.noun(&cobra.Command{
		Use:     "user",
		Aliases: []string{"users"},
		Short:   "Manage people and bots",
		Long:    "Manage the users of the chat: people, bots, and those as whom webhooks post.",
		Example: "  hub user create ada --display-name 'Ada Lovelace' --role admin\n  hub user edit grace --status inactive",
	}, newUserListCommand(r), newUserShowCommand(r), newUserCreateCommand(r), newUserEditCommand(r))
}

func newUserListCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List users",
		Long:    "List users, oldest first.",
		Example: "  hub user list",
		Args:    cobra.NoArgs,
		RunE: r.job(func(j *job, _ []string) error {
			return printList(j, j.Users(j.ctx), 0, "There are no users: `hub user create USERNAME` makes one.",
				func(u client.User) string { return u.ID }, []column[client.User]{
					{"ID", func(u client.User) string { return u.ID }},
					{"USERNAME", func(u client.User) string { return u.Username }},
					{"NAME", func(u client.User) string { return u.DisplayName }},
					{"KIND", func(u client.User) string { return u.Kind }},
					{"ROLE", func(u client.User) string { return u.Role }},
					{"STATUS", func(u client.User) string { return u.Status }},
					{"EMAIL", func(u client.User) string { return u.Email }},
				})
		}),
	}
	var quiet bool
	quietFlag(cmd, &quiet)
	watchFlag(cmd)
	return cmd
}

func (j *job) showUser(u client.User) error {
	return j.show(u.ID, "ID", u.ID, "Username", u.Username, "Name", u.DisplayName, "Kind", u.Kind, "Role", u.Role, "Status", u.Status,
		"Email", u.Email, "Picture", u.AvatarURL, "Created", clock(u.CreatedAt), "Changed", clock(u.UpdatedAt))
}

func newUserShowCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show USER",
		Short:   "Show a user",
		Long:    "Show a user, by the username or the id.",
		Example: "  hub user show ada",
		Args:    cobra.ExactArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			id, err := j.userID(args[0])
			if err != nil {
				return err
			}
			u, err := j.User(j.ctx, id)
			if err != nil {
				return err
			}
			return j.showUser(u)
		}),
	}
	watchFlag(cmd)
	return cmd
}

var roles = []string{"owner", "admin", "member", "guest"}

func newUserCreateCommand(r *reach) *cobra.Command {
	var n client.NewUser
	var bot, quiet bool
	cmd := &cobra.Command{
		Use:   "create USERNAME",
		Short: "Make a person or a bot",
		Long: `Make a person, or with --bot a bot. ` + "`hub login --user USERNAME`" + ` on the hub's machine
prints the link by which the person signs in.`,
		Example: `  hub user create ada --display-name 'Ada Lovelace' --email ada@example.com
  hub user create deploys --bot`,
		Args: cobra.ExactArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			n.Username = args[0]
			if bot {
				n.Kind = "bot"
			}
			u, err := j.CreateUser(j.ctx, n)
			if err != nil {
				return err
			}
			return j.showUser(u)
		}),
	}
	flags := cmd.Flags()
	flags.BoolVar(&bot, "bot", false, "make a bot")
	flags.StringVar(&n.DisplayName, "display-name", "", "name to show (default: the username)")
	flags.StringVar(&n.Email, "email", "", "address, for administrators and the user")
	flags.StringVar(&n.AvatarURL, "avatar-url", "", "picture to show")
	flags.StringVar(&n.Role, "role", "", join(roles, "or")+" (default: member)")
	completeFlag(cmd, "role", oneOf(roles...))
	quietFlag(cmd, &quiet)
	return cmd
}

func newUserEditCommand(r *reach) *cobra.Command {
	var f change
	var username, name, avatar, role, status string
	cmd := &cobra.Command{
		Use:     "edit USER",
		Short:   "Change or deactivate a user",
		Long:    "Change a user. What no flag names stays as it is. Who is not active cannot sign in, and has no valid tokens.",
		Example: "  hub user edit ada --role admin\n  hub user edit grace --status inactive",
		Args:    cobra.ExactArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			if err := f.empty("username", "display-name", "avatar-url", "role", "status"); err != nil {
				return err
			}
			id, err := j.userID(args[0])
			if err != nil {
				return err
			}
			u, err := j.UpdateUser(j.ctx, id, client.UserChange{
				Username: given(&f, "username", username), DisplayName: given(&f, "display-name", name), AvatarURL: given(&f, "avatar-url", avatar),
				Role: given(&f, "role", role), Status: given(&f, "status", status),
			}, j.onVersion()...)
			if err != nil {
				return err
			}
			return j.showUser(u)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&username, "username", "", "new username")
	flags.StringVar(&name, "display-name", "", "name to show")
	flags.StringVar(&avatar, "avatar-url", "", "picture to show")
	flags.StringVar(&role, "role", "", join(roles, "or"))
	flags.StringVar(&status, "status", "", "active, inactive, suspended or deleted")
	completeFlag(cmd, "role", oneOf(roles...))
	completeFlag(cmd, "status", oneOf("active", "inactive", "suspended", "deleted"))
	versionFlag(cmd)
	f.resetFlag(cmd, "display-name", "avatar-url")
	return cmd
}
