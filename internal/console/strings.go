package console

import "strconv"

// All texts of the pages, in one place: to be read as a whole, and to be
// translated one day. The script gets the ones it shows from data attributes.
const (
	textProduct = "nself-chat hub"

	textSkip        = "Skip to the messages"
	textSkipSidebar = "Skip to the content"
	textChannels    = "Channels"
	textArchived    = "Archived"
	textPrivate     = "private"
	textNoChannels  = "No channel is visible to you yet."
	textMakeChannel = "hub channel create NAME"
	textMakeWith    = "Make one with"
	textOrAPI       = "or with"
	textAPI         = "the API"
	textSignedInAs  = "Signed in as"
	textSignOut     = "Sign out"

	textMessages       = "Messages"
	textNoMessages     = "No messages yet."
	textNoMessagesHelp = "Write the first one below, or let something post through an incoming webhook."
	textLoadOlder      = "Load older"
	textNewest         = "Back to the newest"
	textOlderPage      = "You are reading older messages."
	textEdited         = "edited"
	textPinned         = "pinned"
	textDeleted        = "This message was deleted."
	textThread         = "Thread"
	textBackToChannel  = "Back to the channel"
	textReplyInThread  = "Reply in thread"
	textNoReplies      = "No replies yet."
	textPermalink      = "Link to this message"
	textReactedBy      = "reactions with"

	textCompose        = "Message"
	textSend           = "Send"
	textSendHint       = "Enter sends, Shift+Enter starts a new line. Markdown works."
	textReadOnly       = "You can read here, but not write."
	textArchivedNote   = "This channel is archived. Nothing new can be posted."
	textTooLong        = "The message is too long: at most 16,000 characters."
	textNothingWritten = "There is nothing in the message yet."
	textSendFailed     = "The message could not be sent. It is still in the box; try again."
	textReconnecting   = "Connection lost. Reconnecting…"
	textSignedOutNow   = "You are signed out. Copy your text, get a link with `hub login`, and open it."
	textStreamRefused  = "Live updates have ended. Reload the page to go on."

	textNotSignedIn      = "You are not signed in"
	textNotSignedInHelp  = "The hub has no passwords. It lets you in with a link that works once, for 15 minutes. To get one, run this where the hub runs, and open what it prints:"
	textNotSignedInOther = "If somebody else runs this hub, ask them for a link."
	textLoginCommand     = "hub login"
	textSignIn           = "Sign in"
	textSignInHelp       = "This link signs this browser in. It works once."
	textSignInButton     = "Sign in to the hub"
	textSignInFailed     = "Signing in did not work"
	textNewLink          = "Get a new link with:"

	textManage           = "Manage"
	textBack             = "Back"
	textWebhooks         = "Incoming webhooks"
	textWebhooksHelp     = "URLs with a token in them that post into a channel. Whoever has the URL may post."
	textNoWebhooks       = "There are no incoming webhooks yet."
	textMakeWebhook      = "hub webhook incoming create NAME --channel CHANNEL"
	textNotManaging      = "Only owners and administrators may manage webhooks. Ask one of them."
	textName             = "Name"
	textChannel          = "Channel"
	textNoChannel        = "none that you see"
	textState            = "State"
	textEnabled          = "enabled"
	textDisabled         = "disabled"
	textExpired          = "expired"
	textLastUsed         = "Last used"
	textNever            = "never"
	textCalls            = "Calls"
	textRefused          = "Refused"
	textSignatures       = "Signatures"
	textSigned           = "calls must be signed"
	textNotAsked         = "not asked for"
	textAddresses        = "Addresses"
	textAnyAddress       = "any"
	textRate             = "Calls a minute"
	textDefaultRate      = "the hub's default"
	textNoRate           = "no limit"
	textMentions         = "Mentions of everybody"
	textMentionsHarmless = "made harmless"
	textMentionsWork     = "allowed"
	textExpires          = "Expires"
	textUse              = "How to use it"
	textUseHelp          = "Put its URL wherever a product asks for a webhook URL: of Slack, Discord, Mattermost, or its own. The URL was shown once, when the webhook was made."
	textLostURL          = "If it is lost, get a new one with"
	textRotate           = "hub webhook incoming rotate NAME"
	textUseExample       = "curl -d '{\"text\": \"Hello **world**\"}' \"$URL\""
	textDialects         = "Senders that are understood"
	textDialectsHelp     = "They are recognised by what they send, and answered as they expect. To have a call read in one way whatever it looks like, append the suffix to the URL."

	textLog           = "Calls"
	textNoCalls       = "Nothing has called yet."
	textTime          = "Time"
	textVerdict       = "Verdict"
	textSender        = "Sender"
	textAnswered      = "Status"
	textRecognisedBy  = "Recognised by"
	textMessage       = "Message"
	textFrom          = "Address"
	textSize          = "Size"
	textTook          = "Took"
	textReplay        = "Replay"
	textNotRecognised = "not recognised"
	textReplayHelp    = "Post this call again, as if it had just come in"
	textBody          = "What came"
	textNoBody        = "The body was not kept. Only those of accepted calls are, and of calls whose body is wrong."
	textEmptyBody     = "The body was empty."
	textForm          = "A form; pointers lead to its fields."
	textPayloadField  = "A form; pointers lead into its field “payload”."
	textPacked        = "a text with JSON in it"
	textHeaders       = "Headers that say what the body means"
	textQuery         = "Query"
	textAnswer        = "What was answered"
	textNoMessage     = "This call made no message."
	textMessageGone   = "The message is gone, or not visible to you."
	textChangedSince  = "As this call left it. The message has changed since: its time leads to it."
	textMapping       = "Field mapping"
	textMappingHelp   = "Says what of a body becomes which part of a message, for senders that nobody knows. A field holds a JSON Pointer, such as /alert/name, or a text with pointers in braces: {/host}: {/alert/name}. Click into a field, then on a value of the body."
	textMappingUnused = "The sender of this call is known, so its own reading is used. Of these fields only “Subject of all calls” applies."
	textMappingStale  = "Somebody changed this mapping since you opened it. Save again to overwrite it, or"
	textMappingAnew   = "open the call anew to see theirs."
	textMapTitle      = "Title"
	textMapTitleHelp  = "One line above the text."
	textMapText       = "Text"
	textMapTextHelp   = "Markdown."
	textMapColor      = "Color"
	textMapColorHelp  = "A color, or a word such as firing, ok or critical."
	textMapLink       = "Link"
	textMapLinkHelp   = "Where the title leads."
	textMapImage      = "Image"
	textMapImageHelp  = "The address of a picture."
	textMapAuthor     = "Author"
	textMapAuthorHelp = "Who did it."
	textMapKey        = "Subject"
	textMapKeyHelp    = "What the message is about, such as an alert’s id. A later call with the same subject updates the message."
	textMapThread     = "Thread"
	textMapThreadHelp = "Calls with the same value go into one thread."

	textKeyTemplate     = "Subject of all calls"
	textKeyTemplateHelp = "The same for every call of this webhook, whoever sent it."
	textPreview         = "Preview"
	textPreviewed       = "What this call would become"
	textLost            = "Shown otherwise"
	textRemarks         = "Remarks"
	textSave            = "Save"
	textSaved           = "Saved. From now on calls are read so."

	textNotFound        = "Nothing here"
	textNotFoundHelp    = "There is nothing at this address, or it is not visible to you."
	textUnknownMessage  = "There is no such message in this channel, or it is not visible to you."
	textWrongMethod     = "Not a page"
	textWrongMethodHelp = "This address takes what a page or a program sends, and shows nothing by itself."
	textForbidden       = "Not allowed"
	textFailed          = "Something went wrong"
	textHome            = "To the channels"
	textRequestID       = "Request id:"
)

// Badges of authors that are not people of this hub.
const (
	badgeBot     = "bot"
	badgeWebhook = "webhook"
	badgeSystem  = "system"
	badgeRemote  = "bridged"
)

func textReplies(n int) string {
	if n == 1 {
		return "1 reply"
	}
	return strconv.Itoa(n) + " replies"
}

func textReplayFailed(why string) string { return "The replay failed: " + why }

func textCallOf(webhook string) string { return "Call of " + webhook }

func textCounts(calls, refused string) string { return calls + ", " + refused + " of them refused" }

func textRateOf(n int) string { return strconv.Itoa(n) + " per address" }

func textKept(kept, received string) string {
	return kept + " of " + received + " are kept; secrets are masked."
}

// textLoss says what of a call has no place in a message.
func textLoss(kind, done string, n int) string { return strconv.Itoa(n) + " × " + kind + ", " + done }

func textSendTo(channel string) string { return "Message #" + channel }

func textTitle(name string) string { return name + " · " + textProduct }
