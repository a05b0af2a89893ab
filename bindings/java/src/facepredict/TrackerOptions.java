package facepredict;

/** How to follow faces. What is not set, or 0, is the library's default. */
public final class TrackerOptions {
    int detectEvery;
    int estimateEvery;
    float memorySeconds;
    float lostSeconds;

    /** The detector runs on every n-th frame; between these frames each box moves on at its last speed, which fades. */
    public TrackerOptions detectEvery(int frames) {
        detectEvery = notNegative("detectEvery", frames);
        return this;
    }

    /** A face is estimated on every n-th frame in which the detector finds it. */
    public TrackerOptions estimateEvery(int times) {
        estimateEvery = notNegative("estimateEvery", times);
        return this;
    }

    /** Time constant of the average over estimates; 0 means 2 seconds. */
    public TrackerOptions memorySeconds(float seconds) {
        memorySeconds = seconds;
        return this;
    }

    /** Time after which an unseen face is forgotten; 0 means 1 second. */
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
