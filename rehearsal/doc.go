// Package rehearsal plays talk scripts with a bot without a call: in text and in no time, or with what the caller says spoken over a
// telephone line and recognised. The same scripts run over real SIP legs with testaudio.Perform.
package rehearsal
