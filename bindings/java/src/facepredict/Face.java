package facepredict;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/** One face. It is a plain copy. A number is NaN if it was not estimated or is not known. */
public final class Face {
    /**
     * The label that strangers would give. It is UNDECIDED if the gender was skipped, or its probability is below the
     * threshold.
     */
    public enum Gender { UNDECIDED, FEMALE, MALE }

    /** The length of a face's array from JNI. */
    static final int NUMBERS = 27;

    /** The box in pixels of the upright picture. It may reach beyond the picture. */
    public final float x, y, width, height;
    /** How sure the detector is that this is a face, from 0 to 1. NaN for a face that the caller gave. */
    public final float score;
    /** The estimated age in years: the median of the distribution. */
    public final float age;
    /** The ends of the interval that holds the true age with the probability of {@link Options#ageCoverage}. */
    public final float ageLow, ageHigh;
    /** The calibrated probability of the label female, from 0 to 1. */
    public final float femaleProbability;
    public final Gender gender;
    /** The reasons to trust this face less. It is empty if there is none. It cannot be changed. */
    public final Set<Quality> quality;
    /**
     * The direction of the head in degrees, with an error of about ten. Positive means to the right of the picture, up,
     * and tilted clockwise. NaN without landmarks.
     */
    public final float yaw, pitch, roll;
    /** The index of this face in the regions of the options. -1 for a face that was found. */
    public final int regionIndex;
    /** A number that stays the same while a tracker follows the face. 0 without a tracker. */
    public final long trackId;
    /**
     * The number of estimates that the answer averages: one for each frame in which the tracker estimated the face. 0
     * without a tracker.
     */
    public final int trackEstimates;
    private final float[] landmarks;
    private final float[] years;

    Face(double[] n, float[] years) {
        x = (float) n[0];
        y = (float) n[1];
        width = (float) n[2];
        height = (float) n[3];
        landmarks = Double.isNaN(n[4]) ? null : new float[10];
        for (int i = 0; landmarks != null && i < 10; i++) {
            landmarks[i] = (float) n[4 + i];
        }
        score = (float) n[14];
        age = (float) n[15];
        ageLow = (float) n[16];
        ageHigh = (float) n[17];
        femaleProbability = (float) n[18];
        gender = n[19] == 1 ? Gender.FEMALE : n[19] == 2 ? Gender.MALE : Gender.UNDECIDED;
        EnumSet<Quality> reasons = EnumSet.noneOf(Quality.class);
        for (Quality reason : Quality.values()) {
            if (((int) n[20] & reason.bit) != 0) {
                reasons.add(reason);
            }
        }
        quality = Collections.unmodifiableSet(reasons);
        yaw = (float) n[21];
        pitch = (float) n[22];
        roll = (float) n[23];
        trackEstimates = (int) n[24];
        trackId = (long) n[25];
        regionIndex = (int) n[26];
        this.years = years;
    }

    /**
     * Returns x and y of the left eye, right eye, nose, left and right corner of the mouth, or null if they are
     * unknown.
     */
    public float[] landmarks() {
        return landmarks == null ? null : landmarks.clone();
    }

    /** Returns the probabilities of the whole years from 0, which sum to 1. It is empty if the age was skipped. */
    public float[] ageDistribution() {
        return years.clone();
    }

    /**
     * Returns the probability that the person has lived this many years or more, linear between whole years. It is NaN
     * without an age.
     */
    public float ageAtLeast(float least) {
        if (years.length == 0 || Float.isNaN(least)) {
            return Float.NaN;
        }
        if (Float.isInfinite(least)) {
            return tail(least);
        }
        double whole = Math.floor(least);
        double part = least - whole;
        return (float) (tail(whole) + (tail(whole + 1) - tail(whole)) * part);
    }

    private float tail(double first) {
        float sum = 0;
        for (int i = (int) Math.max(0, Math.min(first, years.length)); i < years.length; i++) {
            sum += years[i];
        }
        return Math.min(sum, 1);
    }

    @Override
    public String toString() {
        return String.format("%.1f years (%.1f to %.1f), %s (female %.3f)", age, ageLow, ageHigh, gender, femaleProbability);
    }
}
