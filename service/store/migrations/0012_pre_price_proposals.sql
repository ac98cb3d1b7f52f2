-- How prices come to be published: a draft, then one row for each step that somebody took.
CREATE TABLE evergrid.price_proposal (
    price_proposal_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    category          text    NOT NULL CHECK (category IN ('residential', 'commercial')),
    legal_document    text    NOT NULL,
    valid_from        date    NOT NULL,
    -- The whole draft, as service/domain/price_drafts.py knows it.
    draft             jsonb   NOT NULL
);

CREATE TABLE evergrid.price_proposal_event (
    price_proposal_id    integer     NOT NULL REFERENCES evergrid.price_proposal,
    position             smallint    NOT NULL CHECK (position > 0),
    step                 text        NOT NULL CHECK (step IN ('drafted', 'tested', 'approved', 'rejected', 'published')),
    principal_id         integer     NOT NULL REFERENCES evergrid.principal,
    happened_at          timestamptz NOT NULL,
    reason               text        CHECK ((reason IS NOT NULL) = (step = 'rejected')),
    test                 jsonb       CHECK ((test IS NOT NULL) = (step = 'tested')),
    catalogue_version_id integer     REFERENCES evergrid.catalogue_version
                                     CHECK ((catalogue_version_id IS NOT NULL) = (step = 'published')),
    PRIMARY KEY (price_proposal_id, position)
);

CREATE TRIGGER price_proposal_is_append_only BEFORE UPDATE OR DELETE ON evergrid.price_proposal
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER price_proposal_event_is_append_only BEFORE UPDATE OR DELETE ON evergrid.price_proposal_event
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();

-- Publishes a proposal. The only way to a price list that the API has: it may not insert one, and
-- this refuses what was not tested, then approved by somebody who did not draft it.
CREATE FUNCTION evergrid.publish_prices(proposal integer, publisher integer, published timestamptz)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    version integer;
    steps   text[];
    hands   integer[];
BEGIN
    SELECT array_agg(event.step ORDER BY event.position), array_agg(event.principal_id ORDER BY event.position)
      INTO steps, hands
      FROM evergrid.price_proposal_event AS event
     WHERE event.price_proposal_id = proposal;
    IF steps[cardinality(steps)] IS DISTINCT FROM 'approved'
       OR steps[cardinality(steps) - 1] IS DISTINCT FROM 'tested'
       OR hands[cardinality(hands)] = hands[1] THEN
        RAISE EXCEPTION 'proposal % is not approved by another hand', proposal
            USING ERRCODE = 'restrict_violation';
    END IF;
    INSERT INTO evergrid.catalogue_version (category, legal_document, valid_from, published_at,
                limits_kwh, has_year_tiers, extension_kwh, extension, free_kwh)
    SELECT drafted.category, drafted.legal_document, drafted.valid_from, published,
           array(SELECT jsonb_array_elements_text(drafted.draft #> '{tiers,limits_kwh}')::integer),
           coalesce(drafted.draft #>> '{tiers,basis}' = 'year', false),
           coalesce((drafted.draft #>> '{tiers,extension_kwh}')::integer, 0),
           coalesce(drafted.draft #>> '{tiers,extension}', 'shift'),
           (drafted.draft ->> 'free_kwh')::integer
      FROM evergrid.price_proposal AS drafted
     WHERE drafted.price_proposal_id = proposal
    RETURNING catalogue_version_id INTO version;
    INSERT INTO evergrid.price_item (catalogue_version_id, position, component, period, tier, unit,
                price_yuan_per_kwh, is_levy, is_in_base)
    SELECT version, price.position, price.item ->> 'component', price.item ->> 'period',
           (price.item ->> 'tier')::smallint, price.item ->> 'unit',
           (price.item ->> 'price_yuan')::numeric, (price.item ->> 'is_levy')::boolean,
           (price.item ->> 'is_in_power_factor_base')::boolean
      FROM evergrid.price_proposal AS drafted,
           jsonb_array_elements(drafted.draft -> 'prices') WITH ORDINALITY AS price (item, position)
     WHERE drafted.price_proposal_id = proposal;
    INSERT INTO evergrid.price_proposal_event
                (price_proposal_id, position, step, principal_id, happened_at, catalogue_version_id)
    VALUES (proposal, cardinality(steps) + 1, 'published', publisher, published, version);
    RETURN version;
END $$;
REVOKE ALL ON FUNCTION evergrid.publish_prices FROM PUBLIC;
GRANT EXECUTE ON FUNCTION evergrid.publish_prices TO evergrid_api;

GRANT SELECT ON evergrid.price_proposal, evergrid.price_proposal_event TO evergrid_api, evergrid_audit;
GRANT INSERT ON evergrid.price_proposal, evergrid.price_proposal_event TO evergrid_api;
