package facepredict;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/** One face: plain numbers, NaN where something was skipped or is not known. */
public final class Face {
    /** The label that strangers would give; UNDECIDED when skipped or below the threshold. */
    public enum Gender { UNDECIDED, FEMALE, MALE }

    /** Of a face from JNI. */
    static final int NUMBERS = 27;

    /** Box in upright pixels; may reach outside the picture. */
    public final float x, y, width, height;
    /** How sure that this is a face, 0 to 1; NaN for a face that was given. */
    public final float score;
    /** Years; the median of the distribution. */
    public final float age;
    /** Interval that holds the age with the coverage asked for. */
    public final float ageLow, ageHigh;
    /** Calibrated probability of the label female, 0 to 1. */
    public final float femaleProbability;
    public final Gender gender;
    /** Reasons to trust this face less; empty if there is none. Not to be changed. */
    public final Set<Quality> quality;
    /** Where the head looks, in degrees, good to some ten: to the right of the picture, up, tilted clockwise; NaN without landmarks. */
    public final float yaw, pitch, roll;
    /** Which of the regions of the options it is, from 0; -1 for a face that was found. */
    public final int regionIndex;
    /** With a tracker the same face has the same number; else 0. */
    public final long trackId;
    /** The number of estimates that the answer averages: one for each frame in which the tracker estimated the face; 0 without a tracker. */
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

    /** x and y of left eye, right eye, nose, left and right mouth corner; null where unknown. */
    public float[] landmarks() {
        return landmarks == null ? null : landmarks.clone();
    }

    /** Probability of each whole year from 0, summing to 1; empty where the age was skipped. */
    public float[] ageDistribution() {
        return years.clone();
    }

    /** Probability that the person has lived this many years or more, linear between whole years; NaN without an age. */
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
