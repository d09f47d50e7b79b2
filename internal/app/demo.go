package app

import "context"

// SeedDemo is filled in below.
func (a *App) SeedDemo(ctx context.Context) error { return nil }
