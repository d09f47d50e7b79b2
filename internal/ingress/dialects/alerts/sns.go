package alerts

import (
	"net/url"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// SNS is Amazon's Simple Notification Service ("Parsing Amazon SNS message formats"),
// known by its header or by Type, TopicArn and MessageId, with the alarms of
// CloudWatch as its messages, which may also come bare. A subscription is shown as a
// link for somebody to confirm: nothing is fetched. The link that ends a subscription
// is left out, since anybody could follow it; so is the signature.
var SNS = &dialect.Dialect{Name: "sns", Title: "Amazon SNS", Detect: detectSNS, Parse: parseSNS}

func detectSNS(r *dialect.Request) string {
	f := r.Fields
	switch {
	case r.Header.Get("X-Amz-Sns-Message-Type") != "":
		return "the header X-Amz-Sns-Message-Type"
	case f.Has("TopicArn") && f.Has("MessageId") && f.Has("Type"):
		return "the fields Type, TopicArn and MessageId"
	case isCloudWatch(f):
		return "the fields AlarmName and NewStateValue"
	}
	return ""
}

func parseSNS(r *dialect.Request) (dialect.Post, error) {
	f := r.Fields
	switch f.Str("Type") {
	case "SubscriptionConfirmation", "UnsubscribeConfirmation":
		return posted(r, subscription(f), "", "")
	}
	if isCloudWatch(f) {
		return posted(r, cloudWatch(f), "alert", cloudWatchID(f))
	}
	message := f.Str("Message")
	if message == "" {
		message = r.Text
	}
	if strings.HasPrefix(message, "{") {
		if v, err := dialect.ParseJSON([]byte(message)); err == nil {
			return snsObject(r, v.Object())
		}
	}
	a := &dialect.Alarm{Color: dialect.Blue, Name: f.Str("Subject"), Text: dialect.Plain(message)}
	return posted(r, snsEnvelope(a, f), "", "")
}

// snsObject shows a message that is JSON: an alarm, or what another service of
// Amazon's says in members of its own.
func snsObject(r *dialect.Request, o dialect.Object) (dialect.Post, error) {
	if isCloudWatch(o) {
		return posted(r, snsEnvelope(cloudWatch(o), r.Fields), "alert", cloudWatchID(o))
	}
	a := &dialect.Alarm{Color: dialect.Blue, Name: r.Fields.Str("Subject")}
	if a.Name == "" {
		a.Name = o.First("detail-type", "source")
	}
	scalars(&a.Facts, o, isInternal)
	scalars(&a.Facts, o.Get("detail").Object(), isInternal)
	return posted(r, snsEnvelope(a, r.Fields), "", "")
}

func snsEnvelope(a *dialect.Alarm, f dialect.Object) *dialect.Alarm {
	a.From = append(a.From, "Amazon SNS", topic(f))
	if a.Time.IsZero() {
		a.Time = dialect.Moment(f.Get("Timestamp"))
	}
	return a
}

// topic is the topic's name, which stands at the end of its ARN.
func topic(f dialect.Object) string {
	arn := f.Str("TopicArn")
	return arn[strings.LastIndexByte(arn, ':')+1:]
}

func subscription(f dialect.Object) *dialect.Alarm {
	a := &dialect.Alarm{Color: dialect.Yellow, Name: "Confirm the subscription to " + topic(f)}
	question, word := "Amazon SNS asks whether messages of this topic may be posted here. Until somebody confirms it, none will come.", "Confirm"
	if f.Str("Type") == "UnsubscribeConfirmation" {
		a.Color, a.Name = dialect.Grey, "The subscription to "+topic(f)+" has ended"
		question, word = "No more messages of this topic will be posted here.", "Subscribe again"
	}
	a.Text = dialect.Plain(question)
	a.Facts.Add("Topic", f.Str("TopicArn"))
	if address := f.URL("SubscribeURL"); isAmazon(address) {
		a.Links.Add(word, address)
	}
	return snsEnvelope(a, f)
}

// isAmazon reports whether an address is one of Amazon's: people are asked to follow it.
func isAmazon(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" {
		return false
	}
	host := u.Hostname()
	return strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn")
}
