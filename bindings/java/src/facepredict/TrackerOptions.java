package facepredict;

/** Options of a tracker. Options that are not set, or 0, have the library's defaults. */
public final class TrackerOptions {
    int detectEvery;
    int estimateEvery;
    float memorySeconds;
    float lostSeconds;

    /** The detector runs on every n-th frame. Between these frames each box moves on with its last speed, which decreases. */
    public TrackerOptions detectEvery(int frames) {
        detectEvery = notNegative("detectEvery", frames);
        return this;
    }

    /** A face is estimated on every n-th frame in which the detector finds it. */
    public TrackerOptions estimateEvery(int times) {
        estimateEvery = notNegative("estimateEvery", times);
        return this;
    }

    /** The time constant of the average over estimates, in seconds. 0 means 2. */
    public TrackerOptions memorySeconds(float seconds) {
        memorySeconds = seconds;
        return this;
    }

    /** The time in seconds after which a face that is no longer found is forgotten. 0 means 1. */
    public TrackerOptions lostSeconds(float seconds) {
        lostSeconds = seconds;
        return this;
    }

    private static int notNegative(String name, int number) {
        if (number < 0) {
            throw new IllegalArgumentException(name + " is " + number);
        }
        return number;
    }
}
