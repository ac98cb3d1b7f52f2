-- When the periods of the day are that a price list prices, as service/domain/calendars.py knows it.
ALTER TABLE evergrid.catalogue_version ADD COLUMN calendar jsonb;

-- As in 0012, with the calendar.
CREATE OR REPLACE FUNCTION evergrid.publish_prices(proposal integer, publisher integer, published timestamptz)
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
                limits_kwh, has_year_tiers, extension_kwh, extension, free_kwh, calendar)
    SELECT drafted.category, drafted.legal_document, drafted.valid_from, published,
           array(SELECT jsonb_array_elements_text(drafted.draft #> '{tiers,limits_kwh}')::integer),
           coalesce(drafted.draft #>> '{tiers,basis}' = 'year', false),
           coalesce((drafted.draft #>> '{tiers,extension_kwh}')::integer, 0),
           coalesce(drafted.draft #>> '{tiers,extension}', 'shift'),
           (drafted.draft ->> 'free_kwh')::integer, nullif(drafted.draft -> 'calendar', 'null')
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
