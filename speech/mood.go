package speech

type MoodDetector struct{}
type MoodTracker struct{}

func (*MoodDetector) NewCaller() *MoodTracker       { return &MoodTracker{} }
func (*MoodTracker) Judge(Transcript, []int16) Mood { return Mood{} }
