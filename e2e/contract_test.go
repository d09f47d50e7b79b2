package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/nself-chat/hub/internal/openapitest"
)

// contract holds every answer that a hub gives to the tests against its own
// description.
var contract = &openapitest.Transport{
	Base: &http.Transport{MaxIdleConnsPerHost: 64, ExpectContinueTimeout: 30 * time.Second},
}

// keepsContract fails the test when the hub at this address contradicts its
// description.
func keepsContract(t *testing.T, url string) {
	contract.Watch(url)
	t.Cleanup(func() {
		for _, err := range contract.Found(url) {
			t.Error(err)
		}
	})
}

// TestContractIsKept: the check is at work, and finds what is wrong.
func TestContractIsKept(t *testing.T) {
	p := startHub(t)
	before := contract.Checked()
	p.general()
	if n := contract.Checked() - before; n != 1 {
		t.Errorf("%d answers were checked, want 1", n)
	}
}
